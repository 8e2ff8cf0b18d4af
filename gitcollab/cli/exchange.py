"""Exchanging results with other tools: the verb import, and what `results --format` writes."""

from __future__ import annotations

import errno
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import KEEP, Json, verb
from gitcollab.cli.choices import Direction, Format, way
from gitcollab.cli.context import open_swarm
from gitcollab.cli.progress import LiveLine
from gitcollab.cli.text import fitted
from gitcollab.errors import GitcollabError, UsageError

if TYPE_CHECKING:
    from gitcollab.swarm.exporting import Exported
    from gitcollab.swarm.reports import Imported

_REFUSED, _QUEUED = 4, 5
_TOLD = 10  # rows that are left out, and refusals; --json gives all


@verb(
    KEEP,
    "gitcollab import results.tsv --agent nova --tier xl",
    "gitcollab import results.tsv --repo ~/autoresearch   # with the programs",
    name="import",
)
def import_results(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A TSV or CSV; its first line names the columns.")
    ],
    agent: Annotated[
        str | None, typer.Option(help="Whose results they are. Default: this workspace's agent.")
    ] = None,
    tier: Annotated[
        str | None, typer.Option(help="The tier they ran in. Default: the workspace's.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="The device they ran on, in words.")] = None,
    metric: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The metric's column. Default: the metric's name."),
    ] = None,
    direction: Annotated[
        Direction | None,
        typer.Option(
            help="Which way the log's own keep and discard go. Where that is not the task's, "
            "--metric has to name the column to import."
        ),
    ] = None,
    repo: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="The git repository whose commits the rows name."),
    ] = None,
    started: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When the first run began, as 2026-01-31T12:00:00Z; each other, a budget later. "
            "`show` and the dashboard's pages of results say it; order and ages are by when "
            "results were published.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be imported, and change nothing.")
    ] = False,
    json: Json = False,
) -> int:
    """Publish the rows of a log of experiments as results.

    Columns go by name: commit, the metric (val_bpb), memory_gb, status (keep, discard, crash),
    description; other columns with numbers become metrics. A row builds on the last one before it
    that was kept, or on what an export of results says. A metric of 0 is a crash's, unless the
    status is keep. Importing a file again adds only what is new in it. Results without a program
    (no --repo, or none at the row's commit) are a maintainer's to import: nobody can run these
    again. Programs of --repo count as code of others.

    Exit codes: 0 done, 2 no such log, 4 refused, 5 queued (offline).
    """
    from gitcollab.swarm.importing import Wanted

    goes = None if direction is None else way(direction)
    wanted = Wanted(agent, tier, device, metric, goes, repo, _time(started))
    swarm = open_swarm()
    with LiveLine(sys.stderr, quiet=True) as live:
        report = swarm.import_log(file, wanted, dry_run=dry_run, progress=live.show_share)
    if json:
        jsonout.emit(jsonout.imported(report))
    else:
        _tell(report)
    return _code(report)


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text[:40]!r} is no time", "write it as in --started 2026-01-31T12:00:00Z"
        ) from None
    aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    if not 1971 < aware.year < 2999:
        raise UsageError(f"{text[:40]!r} cannot be when a run began", "give its date and time")
    return aware


def _code(report: Imported) -> int:
    if report.refused:
        return _REFUSED
    waits = report.queued or (report.waiting and not report.dry_run)
    return _QUEUED if waits else 0


def _tell(report: Imported) -> None:
    """What became of the rows, on standard output; what was left out, on the other."""
    render.say(_headline(report))
    if report.registered:
        render.say(f"{report.agent} is new on this hub; its key is on this machine")
    sys.stdout.flush()
    left = [f"line {one.line} is left out: {one.reason}" for one in report.left]
    refused = [f"refused: {render.gist(why)}" for why in dict.fromkeys(report.refused)]
    for said in (*report.notes, *left[:_TOLD], *refused[:_TOLD]):
        _note(said)
    if len(left) > _TOLD:
        _note(f"{len(left) - _TOLD} more lines are left out (--json gives all)")
    if report.refused and not report.dry_run:
        _note("what was refused is kept on this host: gitcollab outbox")
    if report.waiting and not report.queued:
        why = f" ({report.reason})" if report.reason else ""
        _note(f"what waits is delivered by: gitcollab sync{why}")
    elif report.queued:
        _note(f"queued on this host ({report.reason}); gitcollab sync delivers it")
    elif report.reason:
        _note(f"as of the last sync: {report.reason}")


def _headline(report: Imported) -> str:
    parts = []
    others = report.there or report.queued or report.refused or report.waiting
    if report.imported or not others:
        done = "would import" if report.dry_run else "imported"
        crashed = f", {render.count(report.crashes, 'crash', 'crashes')}" if report.crashes else ""
        parts.append(f"{done} {_results(report.imported)} of {report.agent}{crashed}")
    if report.queued:
        parts.append(f"queued {_results(report.queued)} of {report.agent}")
    if report.refused:
        done = "would be refused" if report.dry_run else "refused"
        parts.append(f"{_results(len(report.refused))} {done}")
    if report.waiting:
        wait = "waits" if report.waiting == 1 else "wait"
        parts.append(f"{_results(report.waiting)} {wait} on this host")
    if report.there:
        parts.append(f"{report.there:,} already there")
    return "; ".join(parts)


def _results(number: int) -> str:
    return f"{number:,} result{'' if number == 1 else 's'}"


def _note(text: str) -> None:
    print(fitted(f"note: {text}", sys.stderr), file=sys.stderr)


# -- export ----------------------------------------------------------------------------------------


def export(
    format: Format,  # noqa: A002 - the word that users type
    out: Path | None,
    limit: int | None,
    filters: Mapping[str, str | None],
) -> None:
    """Write the results that match, oldest first, to a file or to standard output."""
    if format is Format.parquet and out is None and sys.stdout.isatty():
        raise UsageError("Parquet is nothing to read on a terminal", "add --out FILE")
    swarm = open_swarm()
    with LiveLine(sys.stderr, quiet=True) as live:
        found = swarm.exported(limit=limit, progress=live.show_share, **filters)
        metric = swarm.task.metric.name
        if out is None:
            sys.stdout.flush()
            _write(format, found, metric, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        with _whole(out) as file:
            number = _write(format, found, metric, file)
    render.say(f"wrote {_results(number)} to {out}")


def _write(format: Format, found: Iterator[Exported], metric: str, out: BinaryIO) -> int:  # noqa: A002
    from gitcollab.faces import exports

    match format:
        case Format.tsv:
            return exports.write_table(found, metric, out, delimiter="\t")
        case Format.csv:
            return exports.write_table(found, metric, out, delimiter=",")
        case Format.parquet:
            return exports.write_parquet(found, metric, out)
        case Format.jsonl:
            return _write_lines(found, out)


def _write_lines(found: Iterator[Exported], out: BinaryIO) -> int:
    number = 0
    for one in found:
        number += 1
        value = jsonout.result(one.result, one.verdict) | {
            "void": one.void,
            "standing": one.standing,
            "builds_on_refuted": one.builds_on_refuted,
        }
        out.write(f"{jsonout.one_line(value)}\n".encode())
    return number


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """The file to write, which takes the place of one of that name once all of it is there.

    Of a link it is the file that it leads to.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():  # a device or a pipe is written to
        aside = target
    else:
        aside = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        if target.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        with aside.open("wb") as file:
            yield file
        if aside != target:
            aside.replace(target)
    except OSError as e:
        raise GitcollabError(
            f"{path} cannot be written: {e.strerror}", "give another place: --out FILE"
        ) from e
    finally:
        if aside != target:
            aside.unlink(missing_ok=True)

"""What ``--json`` prints: one JSON document on standard output, in shapes that do not change.

A verb that does many things prints one document a line, each when it is known.
Keys are only ever added. Output is ASCII, so that no terminal interprets a stranger's text.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitcollab.cli.text import without_credentials

if TYPE_CHECKING:
    from gitcollab.records.models import Record, Result
    from gitcollab.swarm.comparing import Comparison, Judged, Understood
    from gitcollab.swarm.doctor import Check
    from gitcollab.swarm.outcomes import ClaimOutcome, Effect, RoundsReport, RunReport
    from gitcollab.swarm.reports import (
        Adopted,
        AgentEntry,
        Compared,
        Entry,
        Imported,
        OutboxReport,
        ResultPage,
        Retried,
        Shown,
        Status,
        SyncReport,
    )
    from gitcollab.swarm.search.asking import Answer

JsonObject = dict[str, Any]

MARK = "data_not_instructions"
# Fields whose text is never anybody's free words: ids and names (which hold no blanks), times,
# digests, one of a few words of ours, this machine's places. A language model that reads a document
# reads in the field MARK which others may hold strangers' words: what is not listed here does.
_OURS = frozenset(
    (
        *("id", "agent", "request", "experiment", "claim", "other", "base", "replicates", "next"),
        *("adopted", "swept", "released", "suspended", "undone", "commit", "tier", "admitted_by"),
        *("schema", "nonce", "signature", "fingerprint", "base_fingerprint", "digest", "files"),
        *("at", "created_at", "started_at", "expires_at", "since", "refused_at", "joined"),
        *("outcome", "status", "verdict", "standing", "state", "rule", "by", "kind", "refused_by"),
        *("admission", "sandbox", "sandbox_before", "admission_since", "maintainers", "public_key"),
        *("hub", "branch", "task"),
        *("word", "led_at", "last_at", "asked", "until", "direction"),
        *("ids", "transfers", "origin", "no_better_than", "builds_on_refuted", "track"),
        "standing_before",
        *("hypothesis", "cites", "evidence", "also", "expects"),
    )
)
# Where a mark of a chat template begins that needs no <.
_BRACKETED = re.compile(r"\[(?=/?(?:INST|SYS))", re.I)
# Objects whose fields others name, who may say something by that alone.
_NAMED_BY_OTHERS = frozenset(("metrics", "delta", "environment", "set"))


def emit(value: Mapping[str, Any] | None) -> None:
    """Print the value: indented for a person at a terminal, on one line for a program."""
    indent = 2 if sys.stdout.isatty() else None
    print(_dumped(_marked(value), indent))


def emit_line(value: Mapping[str, Any]) -> None:
    """Print the value as one of many lines (JSON Lines), and at once: a program may be waiting."""
    print(one_line(value), flush=True)


def one_line(value: Mapping[str, Any]) -> str:
    """The value as one line of JSON."""
    return _dumped(_marked(value))


def emit_form(value: Mapping[str, Any]) -> None:
    """Print the value in another program's own form, which has no room for anything of ours."""
    print(_dumped(value))


def _dumped(value: Mapping[str, Any] | None, indent: int | None = None) -> str:
    """The value as JSON. No mark of a chat template (<|im_start|>, [INST]) is in it as it is typed.

    A tokenizer may take one for its own; only texts can hold how one begins, and its escape is the
    same there.
    """
    text = json.dumps(plain(value), indent=indent, allow_nan=False).replace("<", "\\u003c")
    return _BRACKETED.sub(r"\\u005b", text)


def _marked(value: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The document with the names of its fields that are data, and never instructions."""
    found = set(_strangers_in("", value))
    return value if value is None or not found else {**value, MARK: sorted(found)}


def _strangers_in(key: str, value: object) -> Iterator[str]:
    """The fields in ``value``, which is that of ``key``, that may hold words of others."""
    if isinstance(value, Mapping):
        if key in _NAMED_BY_OTHERS and value:
            yield key
        elif key not in _OURS or not all(isinstance(item, str) for item in value.values()):
            for name, item in value.items():
                yield from _strangers_in(str(name), item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strangers_in(key, item)
    elif isinstance(value, str) and value and key not in _OURS:
        yield key


def plain(value: object) -> Any:
    """The value in JSON's types: times in RFC 3339, paths as text, what is not finite as null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {_whole(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        from gitcollab.records.models import rfc3339

        return rfc3339(value)
    return _whole(str(value)) if isinstance(value, str | Path) else value


def _whole(text: str) -> str:
    """The text without halves of characters, which strict readers of JSON refuse."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def flat(report: object) -> JsonObject:
    """The fields of a report that holds nothing but plain values; no credentials of the hub."""
    found = {f.name: getattr(report, f.name) for f in fields(report)}  # type: ignore[arg-type]
    if "hub" in found:
        found["hub"] = without_credentials(found["hub"])
    return found


def record(value: Record | None) -> JsonObject | None:
    """A record with the keys of its file; what it does not have is null."""
    return None if value is None else value.model_dump(mode="json", by_alias=True)


def records(values: Iterable[Record]) -> list[JsonObject | None]:
    """Several records."""
    return [record(value) for value in values]


def error(message: str, hint: str, exit_code: int) -> JsonObject:
    """What went wrong, what to do next, and the exit code."""
    return {"error": message, "hint": hint, "exit": exit_code}


def claim(outcome: ClaimOutcome) -> JsonObject:
    """``other`` is the record in the way: a claim when taken, a result when duplicate."""
    return {
        "outcome": type(outcome).__name__.lower(),
        "experiment": outcome.experiment,
        "claim": record(getattr(outcome, "claim", None)),
        "other": record(getattr(outcome, "other", None)),
        "reason": getattr(outcome, "reason", ""),
        "hint": getattr(outcome, "hint", ""),
        "notes": list(getattr(outcome, "notes", ())),
    }


_ENTRY = (
    "id",
    "agent",
    "description",
    "metric",
    "n",
    "sigma",
    "pessimistic",
    "standing",
    "tier",
    "transfers",
    "no_better_than",
    "builds_on_refuted",
)


def best(entry: Entry | None) -> JsonObject | None:
    """A program in the ranking, without its rank."""
    return None if entry is None else {name: getattr(entry, name) for name in _ENTRY}


def ranked(entry: Entry) -> JsonObject:
    """A program in the ranking."""
    return {"rank": entry.rank} | (best(entry) or {})


def best_of_all(entry: Entry | None, signed: bool | None) -> JsonObject | None:
    """The best, and whether its agent signed it: null when it is unsigned."""
    return None if entry is None else (best(entry) or {}) | {"signature_ok": signed}


def adopted(entry: Entry | None, signed: bool | None, change: Adopted) -> JsonObject:
    """The best, and what adopting it did to the workspace."""
    return (best_of_all(entry, signed) or {}) | {"adopted": flat(change)}


def leaderboard(by: str, entries: Sequence[Entry] | Sequence[AgentEntry], track: str) -> JsonObject:
    """The ranking: programs, or agents with their best program; ``track`` is what compares."""
    from gitcollab.swarm.reports import AgentEntry

    def one(entry: Entry | AgentEntry) -> JsonObject:
        if isinstance(entry, AgentEntry):
            return flat(entry) | {"best": best(entry.best)}
        return ranked(entry)

    return {"by": by, "track": track, "entries": [one(entry) for entry in entries]}


def known(program: Entry | None, built_on: str | None) -> JsonObject:
    """How well a result's program is known by now, and on which refuted one it was built."""
    return {
        "standing": None if program is None else program.standing,
        "n": None if program is None else program.n,
        "builds_on_refuted": built_on,
    }


def result(value: Result, verdict: str | None) -> JsonObject:
    """A result's record, which holds no program text, with its verdict."""
    return (record(value) or {}) | {"verdict": verdict}


def results(page: ResultPage) -> JsonObject:
    """A page of results; ``next`` is what ``--page`` takes, null on the last page."""
    return {
        "results": [
            result(value, verdict)
            | {"void": page.void.get(value.id)}
            | known(page.programs.get(value.id), page.built_on_refuted.get(value.id))
            for value, verdict in page.results
        ],
        "next": page.next,
        "total": page.total,
    }


def status(value: Status) -> JsonObject:
    """Where this workspace stands; ``online`` is null when the hub was not asked."""
    return flat(value) | {
        "queued": [flat(item) for item in value.queued],
        "refused": [flat(item) for item in value.refused],
        "claims": records(value.claims),
        "mine": records(value.mine),
        "best": best(value.best),
    }


def sync(report: SyncReport) -> JsonObject:
    """What a sync did; ``adoption`` says whose code ``adopted`` is, and how much of it is new."""
    adoption = flat(report.adoption) if report.adoption else None
    return flat(report) | {"best": best(report.best), "adoption": adoption}


def outbox(report: OutboxReport) -> JsonObject:
    """What this host keeps for the hub."""
    return {
        "waiting": [flat(item) for item in report.waiting],
        "refused": [flat(item) for item in report.refused],
    }


def imported(report: Imported) -> JsonObject:
    """What became of a log's rows; ``results`` are the ids of what was imported or queued."""
    told = {name: value for name, value in flat(report).items() if name != "ids"}
    return told | {
        "refused": list(report.refused),
        "left": [flat(one) for one in report.left],
        "notes": list(report.notes),
        "results": [{"id": result_id} for result_id in report.ids],
    }


def retried(report: Sequence[Retried]) -> JsonObject:
    """What became of refused requests that were tried again."""
    return {
        "retried": [
            flat(one.item) | {"outcome": one.outcome, "reason": one.reason} for one in report
        ]
    }


def checks(found: Sequence[Check]) -> JsonObject:
    """What the doctor found; ``ok`` when nothing failed."""
    told = [
        {name: without_credentials(value) for name, value in flat(one).items()} for one in found
    ]
    return {"ok": all(one.state != "fail" for one in found), "checks": told}


def run(report: RunReport) -> JsonObject:
    """What became of an experiment; ``result`` is null when there is none."""
    return {
        "outcome": report.outcome,
        "result": record(report.result),
        "kind": report.kind,
        "why": report.why,
        "verdict": report.verdict,
        "is_best": report.is_best,
        "effect": None if report.effect is None else _effect(report.effect),
        "kept": report.kept,
        "error": report.error,
        "hint": report.hint,
        "notes": list(report.notes),
        "claim": None if report.claim is None else claim(report.claim),
        "adopted": None if report.adopted is None else flat(report.adopted),
    }


def _effect(one: Effect) -> JsonObject:
    """What a run did to the standing of its program; without it, that was ``standing_before``."""
    told = flat(one)
    return {"standing_before": told.pop("before")} | told


def rounds(report: RoundsReport) -> JsonObject:
    """What several experiments came to, apart from the reports of each."""
    return {
        "rounds": report.rounds,
        "counts": dict(report.counts),
        "stopped": report.stopped,
        "failing": report.failing,
    }


def show(shown: Shown) -> JsonObject:
    """A result with its program and log; ``notes`` are what to look at in the program."""
    from gitcollab.similarity.peeking import notes

    return {
        "result": result(shown.result, shown.verdict),
        "verdict": shown.verdict,
        "group": best(shown.group),
        "builds_on_refuted": shown.builds_on_refuted,
        "program": shown.program,
        "log": shown.log,
        "signature_ok": shown.signature_ok,
        "void": shown.void,
        "notes": list(notes(shown.program)),
    }


def diff(wanted: str, other: str | None, found: Compared) -> JsonObject:
    """How one program became another; ``id`` and ``other`` are what was asked for."""
    return {
        "id": wanted,
        "other": other,
        "diff": found.patch,
        "added": found.added,
        "removed": found.removed,
    }


def explained(one: Judged, understood: Iterable[Understood]) -> JsonObject:
    """A verdict on two descriptions, and what was understood of each."""
    return _verdict(one) | {"understood": [flat(said) for said in understood]}


def judged(pairs: Sequence[Judged], labelled: bool) -> JsonObject:
    """Verdicts; with labels, how often they are right: null where nothing can be divided."""
    from gitcollab.swarm.comparing import scores

    told: JsonObject = {"pairs": [_verdict(one) for one in pairs]}
    return told | (flat(scores(pairs)) if labelled else {})


def model(judge: Comparison) -> JsonObject:
    """The sentence model that was used, or why the one that was needed is missing."""
    return {"model": judge.model, "model_missing": judge.model_missing}


def _verdict(one: Judged) -> JsonObject:
    pair, verdict = one.pair, one.verdict
    told: JsonObject = {
        "a": pair.a,
        "b": pair.b,
        "same": verdict.same,
        "by": verdict.by,
        "score": verdict.score,
        "why": verdict.why,
    }
    return told if pair.label is None else told | {"label": pair.label}


def answer(found: Answer) -> JsonObject:
    """What the swarm knows of a question; ``next`` is what ``--page`` takes, null on the last."""
    return flat(found) | {
        "hits": [flat(hit) | {"changes": [c._asdict() for c in hit.changes]} for hit in found.hits],
        "tried": [flat(value) for value in found.tried],
        "now": [flat(one) for one in found.now],
    }

"""Running a proposal's program and reading what it measured. Nothing here touches the hub."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from gitcollab.errors import UsageError
from gitcollab.records.models import (
    MAX_CURVE_BYTES,
    MAX_DESCRIPTION,
    MAX_LOG_BYTES,
    Task,
)
from gitcollab.records.quoting import line as inert
from gitcollab.runner import environment, process, summary
from gitcollab.runner.sandbox import Sandbox
from gitcollab.swarm.interrupted import Interrupted
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.workspace import settings, write_whole

# What is read of a log to find its summary; programs print it at the end.
_READ = 4 * 1024 * 1024
_MAX_LOG = 64 * 1024 * 1024
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True)
class Measurement:
    """What a run came to. ``failure`` and ``hint`` say why there is no metric."""

    status: Literal["ok", "crash", "timeout"]
    metric: float | None
    metrics: dict[str, float]
    failure: str
    hint: str
    log: str
    curve: str
    wall_seconds: float | None = None
    started_at: datetime | None = None


def measure(
    task: Task,
    folder: Path,
    program: str,
    seed: int,
    *,
    hidden: Sequence[Path],
    started_at: datetime,
    description: str,
    progress: Callable[[RunProgress], None],
    tick: Callable[[], None],
    box: Sandbox | None = None,
    tidy: Callable[[bool], bool] = lambda _: False,
    nice: int = 0,
) -> Measurement:
    """Run the program in ``folder`` under the task's deadline, in the sandbox ``box`` if any.

    Where ``tidy`` says so, what it leaves in the folder is removed: it is asked whether to wait
    until that is known, which is not done where somebody ended the run. The program steps back by
    ``nice`` behind others. Raises process.CommandMissing when the task's command does not exist,
    process.NeverBegan when the sandbox fails, KeyboardInterrupt after the program has been ended,
    and Interrupted where it had its seconds while the machine slept, or everything was stopped.
    """
    log = folder / "log.txt"
    contents = {task.program: program.encode(), "task.json": settings(task), log.name: b""}
    for name, data in contents.items():
        write_whole(folder / name, data)
    if box:  # the program cannot put anything else in their places, for gitcollab to stumble over
        box.fixed = [folder / name for name in contents]
    watch = _Watch(description, progress, tick)
    try:
        done = process.run(
            _command(task),
            cwd=folder,
            env=environment.minimal_env(
                {"GITCOLLAB_TASK": str(folder / "task.json"), "GITCOLLAB_SEED": str(seed)}
            ),
            timeout=task.timeout_seconds,
            log=log,
            on_line=watch.line,
            tick=watch.tick,
            max_log_bytes=_MAX_LOG,
            cage=box,
            nice=nice,
        )
    except BaseException:
        if box and tidy(False):
            box.tidy()
        raise
    if box and tidy(True):
        box.tidy()
    if done.stood_still and task.budget.seconds is not None:
        still = f"everything stood still for {done.stood_still:.0f} s during the run"
        raise Interrupted(f"{still}, so what it did in its time says nothing")
    status: Literal["ok", "crash", "timeout"] = "ok"
    failure = ""
    if done.excess:
        status, failure = "crash", f"it {done.excess} and was ended"
    elif done.timed_out:
        status, failure = "timeout", f"no result after {task.timeout_seconds:g} s"
    elif done.exit_code != 0:
        status, failure = "crash", f"exit code {done.exit_code}"
    found = read_log(task, log, folder, status, failure, hidden=hidden)
    return Measurement(
        **{k: v for k, v in vars(found).items() if k not in ("wall_seconds", "started_at")},
        wall_seconds=round(done.seconds, 3),
        started_at=started_at,
    )


def _command(task: Task) -> list[str]:
    """The task's command; ``python`` is the interpreter that gitcollab itself runs in."""
    first, *rest = task.run
    return [sys.executable if first in ("python", "python3") else first, *rest]


class _Watch:
    """Turns a run's lines and ticks into progress reports."""

    def __init__(
        self,
        description: str,
        progress: Callable[[RunProgress], None],
        tick: Callable[[], None],
    ) -> None:
        self._progress = progress
        self._tick = tick
        self._seen = RunProgress("run", description)

    def line(self, text: str) -> None:
        self._seen = replace(self._seen, line=text)
        if seen := summary.progress(text):
            self._seen = replace(self._seen, step=seen.step, loss=seen.loss, left=seen.remaining)

    def tick(self, elapsed: float) -> None:
        self._tick()
        self._progress(replace(self._seen, elapsed=elapsed))


def read_log(
    task: Task,
    log: Path,
    folder: Path,
    status: Literal["ok", "crash", "timeout"] = "ok",
    failure: str = "",
    *,
    hidden: Sequence[Path] = (),
) -> Measurement:
    """What a log says, given how its program ended. GitcollabError when it cannot be read.

    ``folder`` and the ``hidden`` places of this machine are taken out of what will be published.
    """
    text = without_places(_read_tail(log), {folder: ".", **dict.fromkeys(hidden, "~")})
    metric, metrics, hint = None, {}, ""
    if status == "ok":
        try:
            found = summary.parse(text, task.metric.name)
        except summary.SummaryError as e:
            status, failure, hint = "crash", e.message, e.hint
        else:
            metric, metrics = found.metric, found.metrics
            if failure := implausible(task, metric):
                status, metric = "crash", None
                hint = "look for a leak of the data being measured on, or an error in the measuring"
    elif not hint:
        hint = f"the log is in {log}"
        failure = _cause(text, failure)
    return Measurement(
        status,
        metric,
        {k: v for k, v in metrics.items() if k != task.metric.name},
        failure[:MAX_DESCRIPTION],
        hint,
        _tail(text, MAX_LOG_BYTES),
        _curve(text),
    )


def _cause(text: str, failure: str) -> str:
    """The failure, with the last line of the log, of a Python traceback where there is one."""
    last = next((line for line in reversed(text.splitlines()) if line.strip()), "")
    return f"{failure}; the program says: {inert(last, stored=True)[:300]}" if last else failure


def implausible(task: Task, metric: float) -> str:
    """Why the task says that no run can honestly measure this; empty when it does not."""
    name, bounds = task.metric.name, task.plausible
    if bounds.min is not None and metric < bounds.min:
        return f"{name} {metric:g} is below {bounds.min:g}, the least that is possible"
    if bounds.max is not None and metric > bounds.max:
        return f"{name} {metric:g} is above {bounds.max:g}, the most that is plausible"
    return ""


def _read_tail(path: Path) -> str:
    try:
        # What is no plain file (a pipe that nobody writes to) must not be waited for.
        with os.fdopen(os.open(path, os.O_RDONLY | _AT_ONCE), "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _READ))
            return file.read().decode(errors="replace")
    except OSError as e:
        raise UsageError(
            f"the log {path} cannot be read: {e.strerror}",
            "give the file that the run's output was written to",
        ) from e


def without_places(text: str, places: Mapping[Path, str]) -> str:
    """The text without this machine's own folders, the longest first; "/" alone hides nothing."""
    names = {str(form): short for path, short in places.items() for form in (path, path.resolve())}
    for name in sorted(names, key=len, reverse=True):
        if len(Path(name).parts) > 2 or name == str(Path.home()) != "/":
            text = text.replace(name, names[name])
    return text.replace("\0", "")


def _tail(text: str, limit: int) -> str:
    """The last lines that fit in ``limit`` bytes."""
    data = text.encode(errors="replace")
    if len(data) <= limit:
        return text
    cut = data[-limit:].decode(errors="ignore")
    return cut.partition("\n")[2] or cut


def _curve(text: str) -> str:
    """The loss over the run as CSV, thinned until it fits; empty when nothing was printed."""
    rows = list(summary.curve(text))
    while rows:
        lines = ["step,seconds,loss", *(",".join(_cell(v) for v in row) for row in rows)]
        csv = "\n".join(lines) + "\n"
        if len(csv) <= MAX_CURVE_BYTES:
            return csv
        rows = rows[::2]
    return ""


def _cell(value: float | None) -> str:
    return "" if value is None else json.dumps(value)

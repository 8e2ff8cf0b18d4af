"""``run`` with several GPUs: a worker for each, each a process of this command line."""

from __future__ import annotations

import json as jsonlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gitcollab.cli import jsonout, lending, outcome, render
from gitcollab.cli.lent import typed_terms
from gitcollab.cli.progress import LiveLine
from gitcollab.cli.text import fitted, lines
from gitcollab.cli.worker import NAME, name
from gitcollab.swarm.engine.guest.crew import Crew, Post, ending
from gitcollab.swarm.engine.guest.posts import workspace_of
from gitcollab.swarm.engine.guest.summary import Ended, Lent
from gitcollab.swarm.engine.tally import Tally

if TYPE_CHECKING:
    from queue import SimpleQueue

    from gitcollab.runner.worker import Said, Worker
    from gitcollab.swarm.engine.guest.summary import Footing
    from gitcollab.swarm.engine.terms import Terms
    from gitcollab.swarm.swarm import Swarm

STATUS = "\r"  # begins a line of a worker's that is written over by the next


@dataclass(frozen=True)
class Job:
    """What the workers are to do."""

    count: int | None  # of all together; None: no number
    terms: Terms
    sandbox: str | None
    json: bool


def run_crew(swarm: Swarm, gpus: Sequence[int], job: Job) -> int:
    """Run a worker on each GPU until they have ended; the exit code.

    0 where one published last and none gave up; else that of the first that ended otherwise.
    """
    watch, before, posts = lending.Stopwatch(), swarm.footing(), _posts(swarm, gpus, job)
    _warn_of_edits(swarm)
    told = _Told(job.json)
    if job.count is None and not job.json:
        lending.tell_lent(swarm, job.terms, tuple(gpus))
    crew = Crew(posts, _beginner(job, watch), told.said, told.death)
    stopped, code = "", None
    try:
        with lending.as_guest(swarm, job.terms, tuple(gpus)), _stopping_together(crew):
            crew.work()
    except KeyboardInterrupt as e:
        code = getattr(e, "exit_code", 130)
        stopped = ": ".join(("interrupted", *getattr(e, "__notes__", ())))
    told.clear()
    tally = Tally()
    for post in posts:
        tally.add(post.done)
    done = Lent(tally, watch.seconds, before, _footing())
    if job.json:
        report = tally.report(stopped, failing=any(post.is_failing for post in posts))
        codes = {post.name: post.code for post in posts}
        summary = {"workers": codes, **jsonout.rounds(report), "lent": lending.as_json(done)}
        jsonout.emit_line(summary)
    else:
        outcome.tell_counts(tally.report(stopped or ""))
        lending.tell(done, swarm.task.metric.name)
        lending.tell_stopped(stopped)
    return next((post.code for post in posts if post.code), 0) if code is None else code


def _posts(swarm: Swarm, gpus: Sequence[int], job: Job) -> list[Post]:
    """A post for each GPU; where a number is wanted it is shared out."""
    posts = []
    for n, gpu in enumerate(gpus):
        wanted = None if job.count is None else len(range(n, job.count, len(gpus)))
        if wanted != 0:
            folder = workspace_of(swarm.member, f"gpu{gpu}").root
            posts.append(Post(f"gpu{gpu}", folder, wanted))
    return posts


def _warn_of_edits(swarm: Swarm) -> None:
    from gitcollab.swarm.syncing import is_edited

    if is_edited(swarm.member):
        program = swarm.task.program
        said = f"note: {program} has your edits, and workers leave it alone: gitcollab run tries it"
        print(fitted(said, sys.stderr), file=sys.stderr, flush=True)


def _beginner(
    job: Job, watch: lending.Stopwatch
) -> Callable[[Post, SimpleQueue[Said]], Worker | None]:
    """What begins a post's process, for what is left of its experiments and of the hours."""
    from gitcollab.runner.worker import Worker

    def begin(post: Post, said: SimpleQueue[Said]) -> Worker | None:
        terms, left = job.terms, post.left
        if terms.hours is not None:
            terms = replace(terms, hours=terms.hours - watch.seconds / 3600)
        if (left is not None and left <= 0) or (terms.hours is not None and terms.hours <= 0):
            return None
        command = [sys.executable, "-P", "-m", "gitcollab", "run", *_words(post, terms, left, job)]
        env = {**os.environ, NAME: post.name, "PYTHONUNBUFFERED": "1"}
        return Worker(post.name, command, cwd=post.folder, env=env, said=said)

    return begin


def _words(post: Post, terms: Terms, left: int | None, job: Job) -> list[str]:
    words = ["--forever"] if left is None else ["--count", str(left)]
    words += typed_terms(
        hours=terms.hours,
        when_idle=terms.when_idle,
        gpus=post.name.removeprefix("gpu"),
        nice=terms.nice,
        think=terms.think,
        think_minutes=terms.think_minutes if terms.think else None,
    )
    words += [] if job.sandbox is None else ["--sandbox", job.sandbox]
    return words + (["--json"] if job.json else [])


@contextmanager
def _stopping_together(crew: Crew) -> Iterator[None]:
    """Within the block ^Z stops the workers' programs, too."""
    number = getattr(signal, "SIGTSTP", None)
    if number is None or signal.getsignal(number) != signal.SIG_DFL:
        yield
        return

    def stop(_number: int, _frame: object) -> None:
        crew.signal(number)
        os.kill(os.getpid(), signal.SIGSTOP)
        crew.signal(signal.SIGCONT)

    signal.signal(number, stop)
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL)


def _footing() -> Footing:
    """Where the agent stands now that its workers have published."""
    from gitcollab.cli.context import open_swarm

    return open_swarm().footing()


class _Told:
    """Shows what workers say, each line with the name of its worker; with --json on one stream."""

    def __init__(self, json: bool) -> None:
        self._json = json
        self._live = LiveLine(sys.stderr, quiet=json)
        self._states: dict[str, str] = {}

    def clear(self) -> None:
        """Leave the live line to what is printed next."""
        self._live.clear()

    def said(self, said: Said) -> None:
        """A line of a worker's."""
        if said.stream == "end":
            self._states.pop(said.worker, None)
        elif said.stream == "err" and said.text.startswith(STATUS):
            self._show(said.worker, said.text.removeprefix(STATUS))
        elif said.stream == "out" and self._json:
            print(_named(said), flush=True)
        else:
            self._live.clear()
            stream = sys.stdout if said.stream == "out" else sys.stderr
            shown = f"{said.worker:6}{lines(said.text)}".rstrip() if said.text.strip() else ""
            print(shown, file=stream, flush=True)

    def death(self, worker: str, code: int, seconds: float) -> None:
        """A worker has ended before its time."""
        self._live.clear()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        said = f"{worker:6}ended ({how}); it begins again in {render.length(seconds)}"
        print(fitted(said, sys.stderr), file=sys.stderr, flush=True)

    def _show(self, worker: str, text: str) -> None:
        self._states[worker] = text
        if self._live.is_live:
            shown = "  |  ".join(f"{name} {said}" for name, said in sorted(self._states.items()))
            self._live.show(shown, shown)
        else:
            self._live.show(f"{worker:6}{text}", (worker, text))


def _named(said: Said) -> str:
    """A worker's line of JSON, with its name."""
    try:
        found = jsonlib.loads(said.text)
    except ValueError:
        found = {"said": said.text}
    return jsonlib.dumps({"worker": said.worker, **found})


class WorkerLine(LiveLine):
    """The live line of a worker, for who began it: lines that the next one takes the place of."""

    def show(self, text: str, beat: object) -> None:
        """Say it where it is another than before."""
        if beat != self._beat:
            self._write(f"{STATUS}{text}\n")
        self._beat = beat


def leave(ended: Ended) -> None:
    """As a worker, leave for who began it, in the folder that it began in, what has been done."""
    if name():
        ended.write(ending(Path()))

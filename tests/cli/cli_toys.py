"""Toys for the tests of the command line: records, a task, a scripted swarm, real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gitcollab.records.models import Budget, Claim, Hardware, Hypothesis, Insight, Result
from gitcollab.swarm.changes import Changed
from gitcollab.swarm.engine.guest.presence import Presence
from gitcollab.swarm.engine.guest.summary import Footing
from gitcollab.swarm.ideas.hypotheses import Idea
from gitcollab.swarm.ideas.insights import Learned
from gitcollab.swarm.reports import Entry
from gitcollab.swarm.runs import Run
from gitcollab.swarm.search.asking import Answer, Hit
from gitcollab.swarm.search.tried import Value
from tests import toy

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HOSTILE = "\x1b[31mred\x1b[0m [bold]big[/bold] :bomb: \u202egpj.exe\u200b\x07"

TOY_PROGRAM = '''\
"""A toy: the score is a bowl around LR = 0.3."""
import sys
import time

LR = 0.1  # learning rate
PAUSE = 0.0  # seconds
FAIL = ""  # what to do wrong

print("step 1 | loss 2.5", flush=True)
time.sleep(PAUSE)
if FAIL == "crash":
    raise RuntimeError("the toy is broken")
if FAIL == "silent":
    sys.exit(0)
if FAIL == "nan":
    print("---\\nscore: nan")
    sys.exit(0)
print("---")
print(f"score: {0.5 + (LR - 0.3) ** 2:.6f}")
print("num_steps: 1")
'''

TOY_TASK = toy.TASK.replace("max_step: 5.0", "max_step: 0.5")


@dataclass(frozen=True)
class Ran:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document it must be, without what ``marked`` gives."""
        document = json.loads(self.out)
        if isinstance(document, dict):
            document.pop("data_not_instructions", None)
        return document

    @property
    def marked(self) -> list[str]:
        """The fields that the document says hold strangers' words."""
        found: list[str] = json.loads(self.out).get("data_not_instructions", [])
        return found


def process(
    *argv: str, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 60
) -> Ran:
    """Run a command line as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "gitcollab", *argv],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


class ScriptedSwarm(SimpleNamespace):
    """Answers each verb with what the test gave it; notes the calls."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        metric = SimpleNamespace(name="score", direction="minimize")
        super().__init__(
            calls=[],
            agent="nova",
            hub="hub.git",
            task=SimpleNamespace(
                name="toy", metric=metric, program="train.py", budget=Budget(seconds=5)
            ),
            signed=lambda _: True,
            course=lambda: None,
            has_program=lambda _: True,
            footing=Footing,
            lent=nullcontext,
            presence=lambda: Presence(None, None, running=False),
            member=SimpleNamespace(standings=lambda: SimpleNamespace(judgement=lambda _: "better")),
        )
        for verb, answer in answers.items():
            setattr(self, verb, self._verb(verb, answer))

    def _verb(self, verb: str, answer: Any) -> Callable[..., Any]:
        def call(*args: Any, **keywords: Any) -> Any:
            self.calls.append((verb, args, keywords))
            if isinstance(answer, BaseException):
                raise answer
            return answer(*args, **keywords) if callable(answer) else answer

        return call


def make_claim(**changes: Any) -> Claim:
    fields: dict[str, Any] = {
        "id": "lr-0.2-1a2b3c4d",
        "agent": "nova",
        "description": "LR 0.1 → 0.2",
        "delta": {"LR": 0.2},
        "created_at": NOW,
        "expires_at": NOW + timedelta(minutes=14, seconds=30),
        "nonce": "0123456789abcdef",
        "tier": "cpu",
    }
    return Claim.model_validate(fields | changes)


def make_result(**changes: Any) -> Result:
    fields: dict[str, Any] = {
        "id": "nova/lr-0.1-0.2-1a2b3c4d",
        "agent": "nova",
        "description": "LR 0.1 → 0.2",
        "delta": {"LR": 0.2},
        "created_at": NOW,
        "nonce": "fedcba9876543210",
        "status": "ok",
        "metric": 0.51,
        "task": "sha256:" + "0" * 64,
        "hardware": Hardware(device="CPU", tier="cpu"),
    }
    return Result.model_validate(fields | changes)


def make_idea(text: str, **changes: Any) -> Idea:
    """A hypothesis that is being tried and was tested, in somebody's words."""
    run = Run.of(make_result().model_copy(update={"description": text}))
    one = Hypothesis(
        id="nova/idea-1a2b3c4d",
        agent="nova",
        created_at=NOW,
        nonce="0123456789abcdef",
        title="x",
        reasoning="x",
        set={"RATE": 0.2},
    ).model_copy(update={"title": text, "reasoning": text, "patch": text, "set": {text: 0.2}})
    claim = make_claim(hypothesis=one.id)
    fields: dict[str, Any] = {
        "hypothesis": one,
        "status": "tested",
        "outcome": "supported",
        "claims": [claim.model_copy(update={"description": text})],
        "runs": [run],
        "also": ["vega/idea-2b3c4d5e"],
        "score": 1.5,
    }
    return Idea(**(fields | changes))


def make_learned(text: str) -> Learned:
    """An insight that a result supports, in somebody's words."""
    run = Run.of(make_result().model_copy(update={"description": text}))
    one = Insight(
        id="nova/lesson-1a2b3c4d",
        agent="nova",
        created_at=NOW,
        nonce="0123456789abcdef",
        text="x",
        evidence=[run.id],
    )
    return Learned(one.model_copy(update={"text": text}), "supported", 1, 0, [run])


def make_entry(**changes: Any) -> Entry:
    fields: dict[str, Any] = {
        "rank": 1,
        "id": "nova/lr-0.1-0.2-1a2b3c4d",
        "agent": "nova",
        "description": "LR 0.1 → 0.2",
        "metric": 0.51,
        "n": 2,
        "sigma": 0.002,
        "pessimistic": 0.511414,
        "standing": "confirmed",
        "tier": "cpu",
        "fingerprint": "sha256:" + "1" * 64,
    }
    return Entry(**(fields | changes))


def make_answer(text: str) -> Answer:
    """An answer in which ``text`` stands wherever a stranger may write."""
    change = Changed("RATE", text, text)  # no name holds blanks
    of = "2026-01-31T12:00:00Z", text, [change]
    hits = [
        Hit("result", "nova/x-1", "nova", *of, 0.5, "keep", text, 1.1, ("constants",)),
        Hit("insight", "nova/y-1", "nova", *of, None, "untested", None, 0.1, ("words",), True),
    ]
    value = Value("RATE", text, 2, 0.5, text, 0.1, "nova/x-1", {"keep": 1, "crash": 1})
    return Answer(text, [text, f"in: {text}"], hits, 9, [value], text, text, 9, other_values=True)

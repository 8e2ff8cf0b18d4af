"""From waiting requests to commits: decide each on what the earlier ones leave, commit each.

Pure but for the objects it writes: nothing refers to the commits until a push lands.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from gitcollab.errors import GitcollabError, OfflineError
from gitcollab.git.failures import CacheCorrupt, DiskFull
from gitcollab.records.quoting import line, subject
from gitcollab.store.requests import Decider, Decision, Deriver, Outcome, Request, Rules

if TYPE_CHECKING:
    from gitcollab.git.objects import ObjectStore
    from gitcollab.store.snapshot import Snapshot

# Agents have no mail; `.invalid` is the domain that can never be anybody's (RFC 2606).
DOMAIN = "gitcollab.invalid"

# What a bug in a decider raises. Its request must not stop everybody's deliveries for ever.
_BUGS = (
    ArithmeticError, AssertionError, AttributeError, LookupError, NameError,
    RuntimeError, TypeError, ValueError,
)  # fmt: skip

# What befalls this host, whichever rule was reading: for whoever delivers, and no answer.
_TROUBLE = (CacheCorrupt, DiskFull, OfflineError)


@dataclass(frozen=True)
class Decided:
    """One request with what was decided; ``changes`` are the effective ones."""

    request: Request
    outcome: Outcome
    changes: Mapping[str, bytes | None]
    message: str
    final: bool
    failure: str | None = None  # a bug in the decider, for the quarantine


@dataclass(frozen=True)
class Plan:
    """What a batch comes to on one tip. ``head`` is the commit to push, None without changes.

    ``after`` is how the files are meant to be then, as changes of that tip.
    """

    decided: Sequence[Decided]
    head: str | None
    after: Snapshot | None = None

    @property
    def changing(self) -> int:
        """How many requests change something."""
        return sum(1 for one in self.decided if one.changes)

    @property
    def settled(self) -> bool:
        """Whether no newer state could alter any outcome that changes nothing."""
        return all(one.final for one in self.decided if not one.changes)


def make(
    objects: ObjectStore,
    snapshot: Snapshot,
    requests: Sequence[Request],
    deciders: Mapping[str, Decider],
    derive: Deriver | None,
    rules: Rules | None,
    committer: str,
    now: datetime,
) -> Plan:
    """Decide ``requests`` in order on ``snapshot`` and commit their changes on its tip.

    Each commit is authored by its request's agent; ``committer`` is whose process makes it, at
    ``now`` by this host's clock. Deciders are given the later of that and the hub's newest commit.
    """
    decided: list[Decided] = []
    latest = snapshot
    for request in requests:
        one = _decide(objects, latest, request, deciders[request.kind], rules, snapshot.time(now))
        decided.append(one)
        if one.changes:
            latest = latest.with_changes(one.changes)
    changing = [one for one in decided if one.changes]
    if not changing:
        return Plan(decided, None)
    paths = frozenset(path for one in changing for path in one.changes)
    derived = {} if derive is None else _derived(latest, derive, paths)
    head = snapshot.tip
    tree = None if head is None else objects.tree(head)
    for number, one in enumerate(changing, start=1):
        last = number == len(changing)
        tree = _written(objects, tree, one.changes, derived if last else {})
        people = signature(one.request.agent), signature(committer)
        head = objects.commit(tree, head, one.message, *people, now)
    return Plan(decided, head, latest.with_changes(derived))


def signature(agent: str) -> tuple[str, str]:
    """Name and address of an agent's commits."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", agent).strip("-.")[:80] or "agent"
    return name, f"{name}@{DOMAIN}"


def _derived(
    latest: Snapshot, derive: Deriver, paths: Collection[str]
) -> Mapping[str, bytes | None]:
    """The views' changes; none when there is a bug in deriving: records land without views."""
    try:
        return latest.effective(derive(latest, paths))
    except _TROUBLE:
        raise
    except (GitcollabError, ImportError, *_BUGS):
        return {}


def _written(
    objects: ObjectStore,
    tree: str | None,
    changes: Mapping[str, bytes | None],
    derived: Mapping[str, bytes | None],
) -> str:
    """``tree`` with ``changes``, and with ``derived`` unless that is nothing that can be there."""
    if derived:
        try:
            return objects.write_tree(tree, {**changes, **derived})
        except _TROUBLE:
            raise
        except (GitcollabError, *_BUGS):
            pass
    return objects.write_tree(tree, changes)


def _decide(
    objects: ObjectStore,
    snapshot: Snapshot,
    request: Request,
    decider: Decider,
    rules: Rules | None,
    now: datetime,
) -> Decided:
    try:
        decision = decider(snapshot, request, now)
        objects.check(decision.changes)
        changes = snapshot.effective(decision.changes)
        message = _message(request, decision)
        broken = rules(snapshot, changes, message, now) if rules and changes else ()
    except _TROUBLE:
        raise
    except GitcollabError as e:
        return _nothing(request, {"outcome": "refused", "reason": e.message, "hint": e.hint})
    except _BUGS as e:
        reason = f"{request.kind} failed: {type(e).__name__}: {e}"[:500]
        return _nothing(request, {"outcome": "failed", "reason": reason}, _trace(e))
    if broken:
        return _nothing(request, {"outcome": "refused", "reason": "; ".join(broken)})
    return Decided(request, decision.outcome, changes, message, decision.final)


def _nothing(request: Request, outcome: Outcome, failure: str | None = None) -> Decided:
    return Decided(request, outcome, {}, "", final=failure is not None, failure=failure)


def _trace(e: BaseException) -> str:
    import traceback

    return "".join(traceback.format_exception(e))[-4000:]


def _message(request: Request, decision: Decision) -> str:
    """Subject and trailers; the request's id keeps equal commits of one second apart."""
    trailers = {**decision.trailers, "Gitcollab-Request": request.id}
    told = "\n".join(f"{name}: {line(value)}" for name, value in trailers.items())
    return f"{subject(decision.message) or request.kind}\n\n{told}\n"

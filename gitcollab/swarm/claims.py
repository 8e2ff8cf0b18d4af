"""Claims: who is doing which experiment now. Pure decisions, repeated on every retry.

A claim holds for its time to live. Clocks differ, so its expiry is not compared with this host's
clock alone. When it is first seen here, what is left of it is the most of: by this clock, by the
hub's newest commit, and by its age, which is no more than the time since the hub was last seen
without it; but never more than the time to live. From then on only a span on this clock counts. So
no claim is immortal because its holder's clock is ahead or ours is behind, and none is void before
its time the other way round. The price: a claim that is first seen on a hub that has been quiet may
hold for one time to live too long. A renewal begins anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from gitcollab.records import codec
from gitcollab.records.models import Claim, Result, Task
from gitcollab.records.names import path_of
from gitcollab.store.requests import Decision, Request
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import reading
from gitcollab.swarm.identity import key_of, read_ahead, same_finished, same_now
from gitcollab.swarm.recogniser import Recogniser, Words
from gitcollab.swarm.roster import roster
from gitcollab.swarm.tracks import compares

# How long after its expiry a claim stays in the tree before a sweep removes it.
SWEEP_GRACE = timedelta(seconds=60)

# The trailer of a commit's message in which a holder signs that it gives a claim back.
RELEASE = "Gitcollab-Release"


def decide_claim(
    snapshot: Snapshot, request: Request, now: datetime, *, recogniser: Recogniser
) -> Decision:
    """Grant the first of the claims in the request whose experiment neither runs nor has finished.

    ``claim`` is what is asked for, ``instead`` what may be had in its place, the most wanted first.
    A request that is made ``anyway`` is refused only a key that somebody else holds. What a machine
    chose by itself is ``chosen``: see ``crowded``.

    Outcomes: ``granted``, with the ``experiment`` that it is of several; where none is free, what
    is in the way of the first: ``taken`` or ``duplicate`` with ``other`` (a record) and ``reason``;
    ``refused`` when the hub's task is not the one the agent has in mind.
    """
    payload = request.payload
    wanted = [Claim.model_validate(one) for one in (payload["claim"], *payload.get("instead", ()))]
    task = reading.task_of(snapshot, "the hub", "the state branch")
    if task.digest != payload["task"]:
        return Decision({"outcome": "refused", "reason": "the hub's task has changed"}, {}, "")
    standing = claims_of(snapshot)
    for claim in wanted:  # this very request may have landed before
        if standing.get(claim.id) == claim:
            return Decision(_granted(claim, wanted), {}, "", final=True)
    anyway, words = bool(payload.get("anyway")), recogniser.on(snapshot)
    chosen: Mapping[str, int | None] = payload.get("chosen", {})
    in_the_way: Decision | None = None
    for claim in wanted:
        lost = _lost(snapshot, claim, task, words, anyway=anyway)
        if lost is None and claim.id in chosen:
            lost = _crowded(snapshot, claim, task, chosen[claim.id])
        if lost is None:
            return Decision(
                _granted(claim, wanted),
                {path_of("claim", claim.id): codec.encode(claim)},
                f"claim: {claim.description}",
            )
        in_the_way = in_the_way or lost
    assert in_the_way is not None
    return in_the_way


def _granted(claim: Claim, wanted: Sequence[Claim]) -> dict[str, Any]:
    one_of = {"experiment": claim.id} if len(wanted) > 1 else {}
    return {"outcome": "granted", **one_of}


def _lost(
    snapshot: Snapshot, claim: Claim, task: Task, words: Words, *, anyway: bool
) -> Decision | None:
    """What is in the claim's way, as the outcome of asking for it."""
    if found := running(snapshot, claim, task, words, anyway=anyway):
        return _in_the_way("taken", *found)
    if not anyway and (done := finished(snapshot, claim, task, words)):
        return _in_the_way("duplicate", *done)
    return None


def _crowded(snapshot: Snapshot, claim: Claim, task: Task, most: int | None) -> Decision | None:
    found = crowded(snapshot, claim, task, most)
    return None if found is None else _in_the_way("taken", *found)


def crowded(
    snapshot: Snapshot, claim: Claim, task: Task, most: int | None
) -> tuple[Claim | Result, str] | None:
    """Who does already what was chosen since nobody did, and how that is said.

    Another run of a program is chosen because it has so few: ``most``, done or under way. Somebody
    who saw as few may have been faster. And a hypothesis is tried by one agent at a time, whatever
    the base.
    """
    if claim.hypothesis is not None:
        for other in active(snapshot):
            if other.hypothesis == claim.hypothesis and other.nonce != claim.nonce:
                return other, "same hypothesis"
    if most is None or claim.fingerprint is None:
        return None
    done, under_way = runs_of(snapshot, claim.fingerprint, claim.tier, task)
    others = [one for one in under_way if one.nonce != claim.nonce]
    if len(done) + len(others) <= most:
        return None
    last = others[-1] if others else reading.result(snapshot, done[-1])
    return None if last is None else (last, "enough runs of this program are done or under way")


def runs_of(
    snapshot: Snapshot, fingerprint: str, tier: str | None, task: Task
) -> tuple[Sequence[str], Sequence[Claim]]:
    """Ids of the runs of a program in the track ``tier``, and the claims in force on it."""
    rows = snapshot.select("result", "tier", "task", fingerprint=fingerprint)
    done = [str(i) for i, its, of in rows if of == task.digest and compares(tier, str(its))]
    return done, [c for c in active(snapshot) if c.fingerprint == fingerprint and is_in(c, tier)]


def is_in(claim: Claim, tier: str | None) -> bool:
    """Whether what is claimed will be run in the track ``tier``."""
    return claim.tier is None or compares(tier, claim.tier)


def running(
    snapshot: Snapshot, claim: Claim, task: Task, words: Words, *, anyway: bool = False
) -> tuple[Claim, str] | None:
    """The claim in force on the same experiment, and why it is; with ``anyway``, on its key."""
    others = [
        other
        for other in claims_of(snapshot).values()
        # its own earlier form is not in its way, when words are refined into code
        if other.nonce != claim.nonce and (not anyway or other.id == claim.id)
    ]
    read_ahead(claim, others, words)
    for other in others:
        why = same_now(claim, other, claim.id, words)
        if why and holds(snapshot, other, task):
            return other, why
    return None


def finished(
    snapshot: Snapshot, claim: Claim, task: Task, words: Words
) -> tuple[Result, str] | None:
    """The result that answers what is claimed, and why it does."""
    for result in filter(roster(snapshot).trusts, reading.related(snapshot, claim, words)):
        if why := _finished(claim, result, task, words):
            return result, why
    return None


def _finished(claim: Claim, result: Result, task: Task, words: Words) -> str | None:
    """Why the result answers what is claimed; another seed of a program is another question."""
    if not claim.replicates:
        return same_finished(claim, result, claim.tier, task.digest, words)
    comparable = result.task == task.digest and compares(claim.tier, result.hardware.tier)
    same = comparable and key_of(claim, result.seed) == claim.id
    return "same program and seed" if same else None


def _in_the_way(outcome: str, other: Claim | Result, why: str) -> Decision:
    record = codec.to_mapping(other)
    return Decision({"outcome": outcome, "other": record, "reason": why}, {}, "")


def decide_renew(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
    """Move the claim's expiry; ``renewed``, or ``lost`` when somebody else holds the experiment."""
    claim = Claim.model_validate(request.payload["claim"])
    standing = claims_of(snapshot).get(claim.id)
    task = reading.task_of(snapshot, "the hub", "the state branch")
    if standing and standing.nonce != claim.nonce and holds(snapshot, standing, task):
        return _in_the_way("lost", standing, "claimed by another agent after it had expired")
    if standing == claim:
        return Decision({"outcome": "renewed"}, {}, "", final=True)
    if standing and standing.nonce == claim.nonce and standing.expires_at >= claim.expires_at:
        return Decision({"outcome": "renewed"}, {}, "")  # by another process, for longer
    path = path_of("claim", claim.id)
    changes = {path: codec.encode(claim)}
    return Decision({"outcome": "renewed"}, changes, f"renew: {claim.description}")


def decide_release(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
    """Remove the claim with the request's nonce; releasing what is not there is no error."""
    experiment, nonce = request.payload["experiment"], request.payload["nonce"]
    path = release_path(snapshot, experiment, nonce)
    if path is None:
        return Decision({"outcome": "released"}, {}, "", final=True)
    return Decision(
        {"outcome": "released"},
        {path: None},
        f"release: {experiment}",
        trailers={RELEASE: f"{experiment} {nonce} {request.payload.get('signature')}"},
    )


def release_path(snapshot: Snapshot, experiment: str | None, nonce: str | None) -> str | None:
    """The path of that very claim, if it still stands."""
    standing = claims_of(snapshot).get(experiment) if experiment else None
    return path_of("claim", standing.id) if standing and standing.nonce == nonce else None


def left(snapshot: Snapshot, claim: Claim, task: Task) -> timedelta:
    """How long a claim that is on the hub still holds; zero or less when it is void."""
    then, age, ago = snapshot.arrival(path_of("claim", claim.id))
    longest = timedelta(seconds=task.policy.claim_ttl_seconds)
    by_dates = claim.expires_at - then
    by_age = by_dates if age is None else longest - age
    return min(max(by_dates, by_age), longest) - ago


def holds(snapshot: Snapshot, claim: Claim, task: Task) -> bool:
    """Whether a claim that is on the hub is in force."""
    return left(snapshot, claim, task) > timedelta(0)


def stands(snapshot: Snapshot, mine: Claim, task: Task) -> bool:
    """Whether that very claim, perhaps renewed since, is on the hub and in force."""
    standing = claims_of(snapshot).get(mine.id)
    return standing is not None and standing.nonce == mine.nonce and holds(snapshot, standing, task)


def stale(snapshot: Snapshot) -> list[Claim]:
    """Claims that are void, and were a while ago."""
    task = reading.task_of(snapshot, "the hub", "the state branch")
    void = (c for c in claims_of(snapshot).values() if left(snapshot, c, task) <= -SWEEP_GRACE)
    return sorted(void, key=lambda c: c.id)


def active(snapshot: Snapshot) -> list[Claim]:
    """Claims that hold now, oldest first."""
    task = reading.task_of(snapshot, "the hub", "the state branch")
    live = (c for c in claims_of(snapshot).values() if holds(snapshot, c, task))
    return sorted(live, key=lambda c: (c.created_at, c.id))


def decide_sweep(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
    """Remove every claim that is to be swept."""
    gone = sweepable(snapshot)
    swept: dict[str, Any] = {"outcome": "swept", "experiments": gone}
    return Decision(swept, removal(gone), sweep_message(gone), final=not gone)


def sweepable(snapshot: Snapshot) -> list[str]:
    """The experiments whose claims are stale, or hold nothing."""
    return sorted({claim.id for claim in stale(snapshot)} | set(_nobodys(snapshot)))


def removal(gone: Sequence[str]) -> dict[str, bytes | None]:
    """The changes that remove the claims of these experiments."""
    return {path_of("claim", key): None for key in gone}


def sweep_message(gone: Sequence[str]) -> str:
    """What a commit says that removes them."""
    return f"sweep {len(gone)} stale claim{'' if len(gone) == 1 else 's'}"


def claims_of(snapshot: Snapshot) -> dict[str, Claim]:
    """Claims by experiment key, expired ones included; what is not its agent's holds nothing."""
    known = roster(snapshot)
    signed = snapshot.signed("claim", known.keys)
    return {
        key: claim
        for key, claim in reading.claims(snapshot).items()
        if key in signed and known.agents[claim.agent].status == "member"
    }


def _nobodys(snapshot: Snapshot) -> list[str]:
    """The experiments of claims that hold nothing."""
    mine = claims_of(snapshot)
    return [key for key in reading.claims(snapshot) if key not in mine]


def renewed(claim: Claim, task: Task, now: datetime) -> Claim:
    """The claim with a full time to live from now, unsigned.

    Its expiry always moves, whatever the clock says: the others see by it that the claim is alive.
    """
    expires = (now + timedelta(seconds=task.policy.claim_ttl_seconds)).replace(microsecond=0)
    later = max(expires, claim.expires_at + timedelta(seconds=1))
    return claim.model_copy(update={"expires_at": later, "signature": None})

"""Claiming an experiment, keeping the claim alive, giving it back."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from gitcollab.errors import GitcollabError, OfflineError, UsageError
from gitcollab.records import codec, signing
from gitcollab.records.models import Claim, Experiment, Result
from gitcollab.similarity.program import fingerprint
from gitcollab.store.requests import Outcome, Request
from gitcollab.swarm.claims import claims_of, finished, renewed, running, stands
from gitcollab.swarm.ideas.unsent import submit_with_named
from gitcollab.swarm.identity import key_of, only_words, same_claim, same_finished
from gitcollab.swarm.member import CLAIM_PATIENCE, Member
from gitcollab.swarm.outcomes import (
    ClaimOutcome,
    Duplicate,
    Granted,
    Offline,
    Refused,
    Taken,
)
from gitcollab.swarm.roster import roster


def claim(
    member: Member, experiment: Experiment, *, seed: int | None = None, anyway: bool = False
) -> ClaimOutcome:
    """Ask for the experiment; one that this workspace holds already is granted again.

    Without the hub, what this host knows still counts: a result it has seen, or has queued itself,
    makes a duplicate. One that is held and does not name the hypothesis or the insights that the
    experiment does is put in its words.
    """
    key = key_of(experiment, seed)
    known = held(member, experiment, key)
    if known is not None and _names_more(experiment, known):
        return refine(member, known, experiment, anyway=anyway)
    if known is not None:
        member.workspace.hold(known, chosen=False)  # now it was asked for
        return Granted(known)
    if not anyway and (done := known_done(member, experiment, key, member.queued().values())):
        return done
    claim = new_claim(member, experiment, key)
    # What is learned here of words, perhaps from a model that loads for seconds, is kept: during
    # the decision itself other agents of this host wait.
    met = _met(member, claim) if anyway or only_words(claim) else None
    if anyway and met is not None:
        again = {"anyway": met, "signature": None}
        if met == claim.id:  # a key has one holder: what is done beside it has a key of its own
            again["id"] = f"{claim.id[:60]}-again-{claim.nonce[:8]}"
        claim = member.sign(claim.model_copy(update=again))
    answer = _ask(member, claim, anyway)
    if isinstance(answer, Offline) and not anyway:
        answer = known_done(member, experiment, key, member.related(experiment)) or answer
    return answer


def _names_more(experiment: Experiment, known: Claim) -> bool:
    said = experiment.hypothesis, tuple(experiment.cites or ())
    return any(said) and said != (known.hypothesis, tuple(known.cites or ()))


def _met(member: Member, claim: Claim) -> str | None:
    """The record that stands in a claim's way, as far as this host knows."""
    snapshot, task, words = member.store.snapshot(), member.task, member.words
    found = running(snapshot, claim, task, words) or finished(snapshot, claim, task, words)
    return found[0].id if found else None


def known_done(
    member: Member, experiment: Experiment, key: str, known: Iterable[Result]
) -> Duplicate | None:
    """The one of the results that makes an experiment a duplicate."""
    if experiment.replicates:
        return None
    task = member.task.digest
    for result in known:
        if why := same_finished(experiment, result, member.tier, task, member.words):
            return Duplicate(key, result, why)
    return None


def _ask(member: Member, made: Claim, anyway: bool = False) -> ClaimOutcome:
    return ask_for_one(member, [made], anyway=anyway)[2]


def ask_for_one(
    member: Member,
    made: Sequence[Claim],
    others: Sequence[Request] = (),
    *,
    told: Sequence[Experiment] = (),
    anyway: bool = False,
    chosen: Mapping[str, int | None] | None = None,
) -> tuple[list[Outcome], int, ClaimOutcome]:
    """Send claims of which one is wanted; with the outcomes of ``others`` which of them, and the
    answer to it.

    They are remembered before they are sent: an interrupt must not orphan them. ``chosen`` are
    those that rounds take, by key, with how many runs there may be of each.
    """
    by_rounds = {c.id for c in member.workspace.chosen()}
    before = {c.id: c for c in member.workspace.claims()}
    for one in made:
        member.workspace.hold(one, chosen=chosen is not None)
    first, *instead = map(codec.to_mapping, made)
    payload = {"claim": first, "task": member.task.digest, "anyway": anyway}
    if chosen is not None:
        payload |= {"instead": instead, "chosen": dict(chosen)}
    request = member.request("claim", payload, when_offline="drop", patience=CLAIM_PATIENCE)
    try:
        *outcomes, last = submit_with_named(member, [*told, *made], *others, request)
        got = last.get("experiment", made[0].id) if last["outcome"] == "granted" else None
        at = next((n for n, one in enumerate(made) if one.id == got), 0)
        answer = _answer(member, made[at], last)
    except BaseException:
        with suppress(GitcollabError):  # they expire by themselves when the hub is away
            _give_back(member, made)
        raise
    for one in made:
        if one.id != got:
            member.workspace.let_go(one.id)
            if one.id in before:
                member.workspace.hold(before[one.id], chosen=one.id in by_rounds)
    return outcomes, at, answer


def held(member: Member, experiment: Experiment, key: str) -> Claim | None:
    """A live claim of this workspace on exactly this experiment."""
    snapshot = member.store.snapshot()
    for mine in member.workspace.claims():
        if same_claim(experiment, mine, key) and stands(snapshot, mine, member.task):
            return mine
    return None


def announced(member: Member) -> Claim | None:
    """The workspace's one live claim that is only words yet, waiting for the code to be run."""
    snapshot = member.store.snapshot()
    words = [
        c for c in member.workspace.claims() if only_words(c) and stands(snapshot, c, member.task)
    ]
    return words[0] if len(words) == 1 else None


def new_claim(member: Member, experiment: Experiment, key: str) -> Claim:
    """A claim of an experiment, signed, that nobody was asked for yet."""
    now = member.now(member.store.snapshot())
    bare = Claim.model_validate(
        experiment.model_dump()
        | {
            "id": key,
            "agent": member.config.agent,
            "created_at": now,
            "nonce": member.nonce(),
            "tier": member.tier,
            "expires_at": now,
        }
    )
    return member.sign(renewed(bare, member.task, now))


def _answer(member: Member, made: Claim, outcome: Outcome) -> ClaimOutcome:
    """The outcome as a value. Anything that is not a yes is not a yes."""
    reason = str(outcome.get("reason", ""))
    match outcome["outcome"]:
        case "granted":
            return Granted(made)
        case "taken":
            return Taken(made.id, Claim.model_validate(outcome["other"]), reason)
        case "duplicate":
            return Duplicate(made.id, Result.model_validate(outcome["other"]), reason)
        case "offline":
            return Offline(made.id, reason)
        case _:
            known = roster(member.store.snapshot())
            hint = known.remedy(made.agent) or Refused.hint
            return Refused(made.id, reason or str(outcome["outcome"]), hint)


def release(member: Member, experiment: str | None = None) -> list[str]:
    """Give back a claim of this workspace, or all of them; the keys given back.

    Raises OfflineError when the hub is away: it is told later, and until then shows the claim; and
    GitcollabError, before any is given back, for that of an experiment which is running here.
    """
    mine = _chosen(member, experiment)
    under_way = _under_way(member, mine)
    if under_way is not None and member.workspace.is_running():
        others = [c.id for c in mine if c.id != under_way.id]
        hint = "end the run, which gives it back, or wait"
        raise GitcollabError(
            f"{under_way.id} is running here",
            f"{hint}; or name another: {', '.join(others)}" if others else hint,
        )
    return _give_back(member, mine)


def _under_way(member: Member, mine: Sequence[Claim]) -> Claim | None:
    """The claim of the program that was begun last."""
    text = member.workspace.begun(member.task)
    with suppress(GitcollabError):  # a program may have changed its own file
        made = None if text is None else fingerprint(text)
        return next((c for c in mine if made is not None and c.fingerprint == made), None)
    return None


def _give_back(member: Member, mine: Sequence[Claim]) -> list[str]:
    requests = [member.request("release", _release(member, c)) for c in mine]
    outcomes = member.submit(*requests) if requests else []
    for c in mine:
        member.workspace.let_go(c.id)
    keys = [c.id for c in mine]
    if waiting := [o for o in outcomes if o["outcome"] == "queued"]:
        why = waiting[0].get("reason", "")
        raise OfflineError(
            f"queued: the release of {', '.join(keys)} ({why})", "gitcollab sync delivers it"
        )
    return keys


def _release(member: Member, claim: Claim) -> dict[str, str]:
    signature = member.key.sign_bytes(signing.release(claim.id, claim.nonce))
    return {"experiment": claim.id, "nonce": claim.nonce, "signature": signature}


def give_back(member: Member, *claims: Claim) -> None:
    """Release claims, as far as possible: they expire by themselves when the hub is away."""
    ids = {claim.id for claim in claims}
    with suppress(GitcollabError):
        _give_back(member, [one for one in member.workspace.claims() if one.id in ids])


def renew(member: Member, experiment: str | None = None) -> list[Claim]:
    """Give a claim of this workspace, or all of them, their full time again.

    Raises OfflineError when the hub is away, GitcollabError when a claim was lost.
    """
    fresh = []
    for old in _chosen(member, experiment):
        made, outcome = renew_one(member, old)
        match outcome["outcome"]:
            case "renewed":
                fresh.append(made)
            case "offline":
                raise OfflineError(f"{old.id} is not renewed: {outcome['reason']}", "try again")
            case _:
                member.workspace.let_go(old.id)
                raise GitcollabError(
                    f"{old.id} is lost: {outcome.get('reason', outcome['outcome'])}",
                    "claim something else",
                )
    return fresh


def renew_one(member: Member, old: Claim) -> tuple[Claim, Outcome]:
    """Send the claim with a later expiry; the workspace holds it when it is renewed."""
    now = member.now(member.store.snapshot())
    made = member.sign(renewed(old, member.task, now))
    payload = {"claim": codec.to_mapping(made)}
    request = member.request("renew", payload, when_offline="drop", patience=CLAIM_PATIENCE)
    outcome = member.submit(request)[0]
    if outcome["outcome"] == "renewed":
        member.workspace.hold(made)
    return made, outcome


def _chosen(member: Member, experiment: str | None) -> list[Claim]:
    mine = member.workspace.claims()
    if experiment is None:
        return mine
    chosen = [c for c in mine if c.id == experiment]
    if not chosen:
        known = ", ".join(c.id for c in mine) or "none"
        raise UsageError(
            f"this workspace holds no claim {experiment[:80]!r}", f"its claims: {known}"
        )
    return chosen


def refine(
    member: Member, spoken: Claim, experiment: Experiment, *, anyway: bool = False
) -> ClaimOutcome:
    """Say what a claim made in words is as code, so that others see it; it keeps its key.

    The code may turn out to be what somebody else is doing or has done, whatever the words said.
    """
    snapshot = member.store.snapshot()
    now, standing = member.now(snapshot), claims_of(snapshot).get(spoken.id)
    if standing is not None and standing.nonce == spoken.nonce:
        spoken = standing  # another process may have renewed it
    fields = spoken.model_dump() | experiment.model_dump() | {"anyway": spoken.anyway}
    made = member.sign(renewed(Claim.model_validate(fields), member.task, now))
    outcome = _ask(member, made, anyway)
    return Granted(spoken) if isinstance(outcome, Offline) else outcome


class Renewal:
    """Keeps a claim alive while its experiment runs: call ``tick`` often.

    Renewing happens in a thread, since a slow hub must not stop the reading of a run's output. A
    hub that is away is asked again later; a lost claim is not: the run goes on either way, and its
    result is worth publishing.
    """

    def __init__(self, member: Member, claim: Claim) -> None:
        self._member = member
        self.claim = claim
        self._every = timedelta(seconds=member.task.policy.claim_ttl_seconds / 3)
        self._last = member.clock()
        self._thread: threading.Thread | None = None

    def tick(self) -> None:
        """Begin a renewal if it is time for one."""
        now = self._member.clock()
        if now - self._last < self._every or (self._thread and self._thread.is_alive()):
            return
        self._last = now
        self._thread = threading.Thread(target=self._renew, daemon=True)
        self._thread.start()

    def finish(self) -> Claim:
        """Wait for a renewal under way; the claim as it stands now."""
        if self._thread:
            self._thread.join()
        return self.claim

    def _renew(self) -> None:
        try:
            made, outcome = renew_one(self._member, self.claim)
        except GitcollabError:
            return  # asked again at the next turn; the run must not suffer
        if outcome["outcome"] == "renewed":
            self.claim = made

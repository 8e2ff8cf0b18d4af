"""What is wrong with a hub as it stands, and which of its results nobody has to believe."""

from __future__ import annotations

from collections.abc import Iterator

from gitcollab.records import names
from gitcollab.records.models import Result, sha256
from gitcollab.records.names import BESIDE, DERIVED, MAINTAINED, kind_of
from gitcollab.records.quoting import line
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import reading
from gitcollab.swarm.roster import roster, ruled, rulings, unvouched
from gitcollab.swarm.rulebook import Breach


def state_breaches(snapshot: Snapshot) -> list[Breach]:
    """What is wrong with a hub as it stands, whoever did it."""
    return [
        *_misplaced(snapshot),
        *_unproved(snapshot),
        *_unvouched(snapshot),
        *_unruled(snapshot),
    ]


def glaring(snapshot: Snapshot) -> int:
    """How many breaches show without looking through the hub: for who only passes by.

    These are records that cannot be read, results that are not signed or of which nobody knows the
    program, and maintained files that are not what was ruled. (Results that a maintainer put there
    are what their agents signed.)
    """
    signed = snapshot.signed("result", roster(snapshot).keys)
    wrong = snapshot.count("result") - len(signed) + len(signed & unvouched(snapshot))
    said = {path: digest for path, digest in ruled(snapshot).items() if MAINTAINED.match(path)}
    other = sum(not _is_so(snapshot, path, digest) for path, digest in said.items())
    return len(snapshot.invalid()) + wrong + other


def flags(snapshot: Snapshot) -> list[Breach]:
    """Results that nobody has to believe: they stand, and do not rank before they are confirmed."""
    from gitcollab.swarm.grouping import counting, flagged_keys, grouped

    task = reading.task_of(snapshot, "this hub", "the state branch")
    known = {run.id: run for run in reading.runs(snapshot) if run.task == task.digest}
    counts = counting(task)
    found = [
        Breach(names.path_of("result", run.id), "plausible", "it is outside what the task believes")
        for run in known.values()
        if run.status == "ok" and not counts(run)
    ]
    drafts = grouped(run for run in known.values() if counts(run))
    for key in flagged_keys(task, drafts, known, reading.baseline(snapshot)):
        reason = "so large a step has to be confirmed by another agent"
        path = names.path_of("result", drafts[key].first.id)
        found.append(Breach(path, "plausible", reason))
    return sorted(found)


def _misplaced(snapshot: Snapshot) -> Iterator[Breach]:
    for path, reason in sorted(snapshot.invalid().items()):
        yield Breach(path, "schema", line(reason[:300]))
    for path in snapshot.list():
        beside = BESIDE.match(path)
        known = bool(kind_of(path) or MAINTAINED.match(path) or DERIVED.match(path))
        if beside and not kind_of(path):
            result = snapshot.record(f"{beside['folder']}/result.yaml")
            known = isinstance(result, Result) and beside["name"] in result.files
        if not known:
            yield Breach(path, "place", "nothing belongs there")


def _unproved(snapshot: Snapshot) -> Iterator[Breach]:
    people = roster(snapshot)
    for name, agent in sorted(people.agents.items()):
        if agent.status == "unproved":
            yield Breach(names.path_of("agent", name), "signature", "it does not prove its key")
    for kind in ("result", "hypothesis", "insight", "retraction", "claim"):
        signed = snapshot.signed(kind, people.keys)
        for record_id, record in snapshot.records(kind).items():
            if record_id not in signed:
                reason = "it is not signed by a key of its agent"
                yield Breach(names.path_of(kind, record_id), "signature", reason)
            elif isinstance(record, Result):
                yield from _altered(snapshot, record)
    ours = {ruling.id for ruling in rulings(snapshot)}
    for ruling_id in snapshot.records("ruling"):
        if ruling_id not in ours:
            reason = "no maintainer of this hub signed it"
            yield Breach(names.path_of("ruling", ruling_id), "signature", reason)


def _altered(snapshot: Snapshot, result: Result) -> Iterator[Breach]:
    for name, digest in sorted(result.files.items()):
        path = f"{names.folder_of(result.id)}/{name}"
        data = snapshot.read(path)
        if data is None or sha256(data) != digest:
            yield Breach(path, "signature", "it is not the file that was signed")


def _unvouched(snapshot: Snapshot) -> Iterator[Breach]:
    reason = (
        "it was measured and does not say which program it is, and no maintainer vouches for it"
    )
    for result_id in sorted(unvouched(snapshot)):
        yield Breach(names.path_of("result", result_id), "fingerprint", reason)


def _unruled(snapshot: Snapshot) -> Iterator[Breach]:
    """Maintained files that are not what the last ruling on them says."""
    said = ruled(snapshot)
    for path in sorted({*snapshot.list(), *(path for path, digest in said.items() if digest)}):
        if MAINTAINED.match(path) and not _is_so(snapshot, path, said.get(path)):
            yield Breach(path, "maintainers", "it is not what a maintainer signed")


def _is_so(snapshot: Snapshot, path: str, digest: str | None) -> bool:
    data = snapshot.read(path)
    return digest == (None if data is None else sha256(data))

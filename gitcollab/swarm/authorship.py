"""Whose code a run would execute: this agent's own, or strangers'.

A program is made of its bases' code. It is this machine's own when every program it descends from
is: signed by a key that lies here, published by nobody else before, of no patch or repository that
somebody gave, down to the baseline. A baseline is own when its bytes came with gitcollab, when the
hub is the one inside this workspace, or when a key that lies here signed both the hub's task and
its program. What a hub says of itself proves nothing: anybody may list anybody's public key.

What a program adds to its base by hand is own unless it is a stranger's program, but for its form,
or has lines of one (see ``copying``), of a patch that was run here, or of what was imported. Lines
that were rewritten, each of them, are not recognised.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import TypeAlias

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Experiment, Result, Signed, sha256
from gitcollab.records.names import PROGRAM_PATH, TASK_PATH, folder_of
from gitcollab.records.signing import KeyPair, verify
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm import copying, presets
from gitcollab.swarm.copying import Lines
from gitcollab.swarm.home import home, key_path
from gitcollab.swarm.member import Member
from gitcollab.swarm.reading import baseline
from gitcollab.swarm.roster import rulings
from gitcollab.swarm.workspace import EMBEDDED, SOMEBODY

BASELINE = "the hub's maintainers"
PATCHER = "the author of the patch"
IMPORTED = "the author of the imported repository"
# A longer ancestry is not followed; a program whose beginnings are unknown is a stranger's.
MAX_BASES = 10_000
UNKNOWN = SOMEBODY
Marks: TypeAlias = Mapping[str, tuple[str, ...]]
_MARKS = "built-on-others"


def strangers(
    member: Member, experiment: Experiment, fresh: Result | None = None
) -> tuple[str, ...]:
    """Who wrote code that a run of the experiment executes and is nobody here; () when it is own.

    The nearest in the ancestry comes first. The program's own edits against its base are this
    agent's, unless somebody has published the program; so is ``fresh``, a result that may not have
    been delivered.
    """
    found: dict[str, None] = {}
    task = member.task
    own_task = is_own_task(member)
    if not own_task and task.run not in (["python", task.program], ["python3", task.program]):
        found[BASELINE] = None  # the command is theirs too
    marks = _marks()
    at: Result | Experiment = experiment
    seen: set[str] = set()
    found |= dict.fromkeys(_publishers(member, at.fingerprint, at.base_fingerprint, marks))
    while (base_id := at.base) is not None:
        if base_id in seen or len(seen) == MAX_BASES:
            return (*found, UNKNOWN)
        seen.add(base_id)
        is_fresh = fresh is not None and base_id == fresh.id
        base = fresh if is_fresh else member.result(base_id)
        if base is None:
            return (*found, UNKNOWN)
        own = is_fresh or _is_own(member, base)
        written = [*marks.get(base_id, ()), *([] if own else [base.agent])]
        others = _publishers(member, base.fingerprint, base.base_fingerprint, marks)
        found |= dict.fromkeys([*written, *others])
        at = base
    if not _is_own_baseline(member, at.base_fingerprint, own_task):
        found[BASELINE] = None
    return tuple(found)


def was_own(member: Member, text: str, print_of: str | None) -> bool:
    """Whether this very program has been published, and is own as it was."""
    snapshot = member.store.snapshot()
    for (result_id,) in snapshot.select("result", fingerprint=print_of):
        result = member.result(str(result_id))
        if result is not None and result.files.get(PROGRAM_PATH) == sha256(text.encode()):
            own = _is_own(member, result) and not strangers(member, result)
            return own and result.id not in _marks()
    return False


def additions_by(member: Member, text: str, experiment: Experiment) -> tuple[str, ...]:
    """Others who may have written what the working program ``text`` adds to its base.

    Where the ``experiment`` that it is tried in is strangers' anyway, lines are not compared.
    """
    base = member.workspace.base()
    if base is None or base.text == text:
        return ()
    marks = _marks()
    whole = _publishers(member, _print_of(text.encode()), _print_of(base.text.encode()), marks)
    others = tuple(dict.fromkeys((*base.by, *whole)))
    if others or strangers(member, experiment):
        return others
    return _copied_from(member, text, base.text, marks)


def mark(
    others: tuple[str, ...],
    *,
    program: str | None = None,
    result: str | None = None,
    lines: Iterable[str] = (),
) -> None:
    """Remember on this machine that ``others`` may have written code in a program, or a result's.

    A program is known by its fingerprint, lines of it by their digests (see ``copying``): it may be
    put aside, and back again.
    """
    known = _marks()
    path = home() / _MARKS
    keys = dict.fromkeys(key for key in (program, result, *lines) if key is not None)
    new = [key for key in keys if known.get(key) != others]
    if not new:
        return
    names = "\t".join(others)
    # What a crash has left of a last line stays a line of its own.
    text = "".join(f"\n{key}\t{names}" for key in new) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            file.write(text.encode())
    except OSError as e:
        raise GitcollabError(
            f"{path} cannot be written: {e.strerror}", "free some disk space, or check permissions"
        ) from e


def written_in(result_id: str) -> tuple[str, ...]:
    """Who may have written in a result's program beside its agent, as it is marked here."""
    return _marks().get(result_id, ())


def _marks() -> Marks:
    """Who may have written in what is marked, by result, by fingerprint and by line.

    What is damaged marks something else, or by somebody else; the rest holds.
    """
    path = home() / _MARKS
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:
        return {}
    except OSError as e:
        raise GitcollabError(f"{path} cannot be read: {e.strerror}", "check permissions") from e
    marked = [line.split("\t") for line in text.splitlines() if line]
    return {key: tuple(others) or (UNKNOWN,) for key, *others in marked}


def _is_own(member: Member, result: Result) -> bool:
    """Whether the result, with its program as it is on the hub, is signed by a key that is here."""
    if not is_signed_here(result):
        return False
    text = member.read(f"{folder_of(result.id)}/{PROGRAM_PATH}")
    return text is not None and sha256(text) == result.files.get(PROGRAM_PATH)


def is_signed_here(record: Signed) -> bool:
    """Whether a key that is on this machine signed the record."""
    return any(verify(record, line) for line in _public_lines(record.agent))


def _public_lines(agent: str) -> Iterator[str]:
    """The public keys of this machine's agent of that name, those of earlier days too."""
    folder = key_path(agent).parent
    for path in (key_path(agent), *sorted(folder.glob(f"{agent}.*"))):
        with suppress(GitcollabError):  # it is none
            yield KeyPair.load(path).public_line


def _publishers(
    member: Member, print_of: str | None, base_print: str | None, marks: Marks
) -> tuple[str, ...]:
    """Who published the program before anybody here, if somebody did; who wrote in it by a mark.

    Equal times count against us, and another run of a program is no publication of ours. An
    unchanged program is what its base is; a baseline is nobody's.
    """
    snapshot = member.store.snapshot()
    if print_of in (None, base_print, baseline(snapshot)):
        return ()
    runs = snapshot.select("result", "agent", "created_at", fingerprint=print_of)
    for _, agent, result_id in sorted((str(made), str(who), str(i)) for i, who, made in runs):
        result = member.result(result_id)
        if result is None or not _is_own(member, result):
            return (agent,)
        if result.fingerprint != result.base_fingerprint:
            return marks.get(result_id, ())
    return marks.get(str(print_of), (UNKNOWN,) if runs else ())


def _copied_from(member: Member, text: str, base: str, marks: Marks) -> tuple[str, ...]:
    """Who published lines of the text that its base has not: the first, by time; or gave them here.

    Every program of the hub is read (0.3 ms each), for what records say of them may be a lie.
    """
    snapshot = member.store.snapshot()
    added = copying.added(text, base, *_own_baseline(member))
    runs = snapshot.select("result", "agent", "created_at")
    here = _names()
    for _, agent, result_id in sorted((str(made), str(who), str(i)) for i, who, made in runs):
        if not added:
            return ()
        common = added.within(snapshot.read(f"{folder_of(result_id)}/{PROGRAM_PATH}") or b"")
        if not common or not (common.are_copied or agent in here):
            continue
        result = member.result(result_id)
        others = marks.get(result_id, ())
        if result is None or not _is_own(member, result):
            others = (agent,)
        if others and common.are_copied:
            return others
        if not others and result is not None and not strangers(member, result):
            added -= common  # others may have taken them from there
    return _gave(added, marks)


def _gave(added: Lines, marks: Marks) -> tuple[str, ...]:
    """Who wrote what is marked of the lines, wherever a copy of it lay."""
    common = added.among(marks)
    if not common.are_copied:
        return ()
    return tuple(dict.fromkeys(who for line in common.digests for who in marks[line]))


def _own_baseline(member: Member) -> list[str]:
    """The hub's baseline where it is own: what it says is nobody else's, whoever says it again."""
    data = member.store.snapshot().read(PROGRAM_PATH)
    if data is None or (its_print := _print_of(data)) is None:
        return []
    return [data.decode()] if _is_own_baseline(member, its_print, is_own_task(member)) else []


def _is_embedded(member: Member) -> bool:
    return member.config.hub == str(member.workspace.folder / EMBEDDED)


def is_own_task(member: Member) -> bool:
    """Whether the hub's task is as somebody on this machine wants it."""
    return _is_own_file(member, TASK_PATH)


def _is_own_file(member: Member, path: str) -> bool:
    """Whether the file is on the hub as a key that is here has signed it."""
    data = member.store.snapshot().read(path)
    return data is not None and (_is_embedded(member) or sha256(data) in _signed(member, path))


def _signed(member: Member, path: str) -> frozenset[str]:
    """The digests that the file has in rulings which a key on this machine signed."""
    said = [r for r in rulings(member.store.snapshot()) if path in r.files]
    if not said:
        return frozenset()
    lines = [line for name in _names() for line in _public_lines(name)]
    return frozenset(r.files[path] for r in said if any(verify(r, line) for line in lines))


def _names() -> set[str]:
    return {path.name.partition(".")[0] for path in (home() / "keys").glob("[a-z0-9]*")}


def _is_own_baseline(member: Member, print_of: str | None, own_task: bool) -> bool:
    """Whether the baseline of that fingerprint is own: every text here that has it has to be.

    A fingerprint alone proves nothing: another program may be made to have a shipped one's.
    """
    if _is_embedded(member):
        return True
    own = shipped() | (_signed(member, PROGRAM_PATH) if own_task else frozenset())
    texts = [] if (data := member.store.snapshot().read(PROGRAM_PATH)) is None else [data]
    if (base := member.workspace.base()) is not None and base.id is None:
        texts.append(base.text.encode())
    same = [sha256(text) for text in texts if _print_of(text) == print_of]
    return bool(same) and own.issuperset(same)


def _print_of(text: bytes) -> str | None:
    with suppress(GitcollabError, UnicodeDecodeError):  # it is no program that can be looked at
        return fingerprint(text.decode())
    return None


@cache
def shipped() -> frozenset[str]:
    """The digests of the programs that come with gitcollab."""
    return frozenset(sha256(presets.preset(name)[1]) for name in presets.names())

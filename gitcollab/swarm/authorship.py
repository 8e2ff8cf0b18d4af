"""Whose code a run would execute: this agent's own, or strangers'.

A program is made of its bases' code. It is this machine's own when every program it descends from
is: signed by a key that lies here, published by nobody else before, of no patch that somebody gave,
down to the baseline. A baseline is own when its bytes came with gitcollab, when the hub is the one
inside this workspace, or when a key that lies here signed both the hub's task and its program. What
a hub says of itself proves nothing: anybody may list anybody's public key.

What a program adds to its base by hand is own unless it is a stranger's program, but for formatting
and the values of constants, or has lines of one. Lines that were rewritten, each of them, are not
recognised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import TypeAlias

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Experiment, Result, sha256
from gitcollab.records.names import PROGRAM_PATH, TASK_PATH, folder_of
from gitcollab.records.signing import KeyPair, verify
from gitcollab.similarity.constants import Constant, constants
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm import presets
from gitcollab.swarm.home import home, key_path
from gitcollab.swarm.member import Member
from gitcollab.swarm.reading import baseline
from gitcollab.swarm.roster import rulings
from gitcollab.swarm.workspace import EMBEDDED, SOMEBODY

BASELINE = "the hub's maintainers"
PATCHER = "the author of the patch"
# A longer ancestry is not followed; a program whose beginnings are unknown is a stranger's.
MAX_BASES = 10_000
UNKNOWN = SOMEBODY
Marks: TypeAlias = Mapping[str, tuple[str, ...]]
_MARKS = "built-on-others"
# So many characters in whole lines of a stranger's program that the base has not are copied.
MIN_COPIED = 20
_ONE_QUOTE = bytes.maketrans(b"'", b'"')


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


def mark(others: tuple[str, ...], *, program: str | None = None, result: str | None = None) -> None:
    """Remember on this machine that ``others`` may have written code in a program, or a result's.

    A program is known by its fingerprint: it may be put aside, and back again.
    """
    path = home() / _MARKS
    path.parent.mkdir(parents=True, exist_ok=True)
    names = "\t".join(others)
    try:
        with path.open("a") as file:
            file.writelines(f"{key}\t{names}\n" for key in (program, result) if key is not None)
    except OSError as e:
        raise GitcollabError(
            f"{path} cannot be written: {e.strerror}", "free some disk space, or check permissions"
        ) from e


def _marks() -> Marks:
    """Who may have written in what is marked, by result and by fingerprint."""
    try:
        marked = [line.split("\t") for line in (home() / _MARKS).read_text().splitlines()]
    except FileNotFoundError:
        return {}
    return {key: tuple(others) or (UNKNOWN,) for key, *others in marked}


def _is_own(member: Member, result: Result) -> bool:
    """Whether the result, with its program as it is on the hub, is signed by a key that is here."""
    if not any(verify(result, line) for line in _public_lines(result.agent)):
        return False
    text = member.read(f"{folder_of(result.id)}/{PROGRAM_PATH}")
    return text is not None and sha256(text) == result.files.get(PROGRAM_PATH)


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
    """Who published lines of the text that its base has not: the first, by time.

    Every program of the hub is read (0.3 ms each), for what records say of them may be a lie. None
    is when all that was added are values of constants: nobody owns a number.
    """
    added = _lines(_without_values(text).encode()) - _lines(_without_values(base).encode())
    if _size(added) < MIN_COPIED:
        return ()
    snapshot = member.store.snapshot()
    runs = snapshot.select("result", "agent", "created_at")
    for _, agent, result_id in sorted((str(made), str(who), str(i)) for i, who, made in runs):
        common = added & _lines(snapshot.read(f"{folder_of(result_id)}/{PROGRAM_PATH}") or b"")
        if _size(common) < MIN_COPIED:
            continue
        result = member.result(result_id)
        if result is None or not _is_own(member, result):
            return (agent,)
        if others := marks.get(result_id):
            return others
        if not strangers(member, result):  # others may have taken them from there
            added -= common
    return ()


def _without_values(text: str) -> str:
    """The program without the values of its constants; what cannot be read as one stays."""
    found: list[Constant] = []
    with suppress(GitcollabError):
        found = sorted(constants(text).values(), key=lambda c: c.start, reverse=True)
    for constant in found:
        text = text[: constant.start] + text[constant.end :]
    return text


def _lines(text: bytes) -> set[bytes]:
    """The lines without what formatters change: blanks, quotes, what is behind a #."""
    return {line.partition(b"#")[0] for line in text.translate(_ONE_QUOTE, b" \t").splitlines()}


def _size(lines: set[bytes]) -> int:
    return sum(map(len, lines))


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

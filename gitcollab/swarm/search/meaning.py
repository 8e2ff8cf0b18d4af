"""Records that mean what a question asks, in whatever words: by a sentence model.

The model takes seconds to load, and a new text a hundredth of one. So it is used where it is in
memory, where it is asked for, and where words find too little and it need not be downloaded; texts
that nobody has asked about before are encoded some at a time, the newest first, and kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from gitcollab.similarity.library import Library
from gitcollab.swarm.member import Member
from gitcollab.swarm.recogniser import configured_model
from gitcollab.swarm.search.pieces import Piece

FEW = 5  # records that words find: fewer are too little
LIKE = 0.3  # the cosine from which on a text may mean what is asked
MOST = 30  # records that are found so
_NEW = 512  # texts that are encoded where somebody waits for the model anyway
_NEW_BESIDE = 16  # and where nobody does
_LONG = 1000  # characters of a text that count: a model reads no more


@dataclass(frozen=True)
class Meant:
    """What a sentence model found, the likeliest first, and what it did, in words."""

    found: Sequence[Piece] = ()
    said: str = ""


def meant(
    member: Member, question: str, pieces: Iterable[Piece], wanted: bool | None, by_words: int
) -> Meant:
    """The pieces that mean what is asked; ``by_words`` were found without the model.

    ``wanted``: True, the model is used; False, it is not; None, see above.
    """
    if wanted is False:
        return Meant(said="not asked for")
    library = member.words()
    beside = library.has_loaded and by_words >= FEW
    if wanted is None and not library.has_loaded:
        if by_words >= FEW:
            return Meant(said="not needed: words found enough (--meaning asks for it)")
        if why := _not_at_hand():
            return Meant(said=why)
    newest = sorted(pieces, key=attrgetter("at"), reverse=True)
    texts = [piece.text[:_LONG] for piece in newest]
    most_new = _NEW_BESIDE if beside and wanted is None else _NEW
    likeness = library.closest(
        question[:_LONG], texts, most_new, lambda n: member.notice(f"reading {n} texts for meaning")
    )
    if likeness is None:
        return Meant(said=_missing(library))
    return Meant(_likest(newest, likeness), _said(likeness))


def _likest(pieces: Sequence[Piece], likeness: Sequence[float | None]) -> list[Piece]:
    alike = [
        (cosine, piece)
        for cosine, piece in zip(likeness, pieces, strict=True)
        if cosine is not None and cosine >= LIKE
    ]
    alike.sort(key=lambda one: -one[0])
    return [piece for _, piece in alike[:MOST]]


def _said(likeness: Sequence[float | None]) -> str:
    read = sum(cosine is not None for cosine in likeness)
    if read == len(likeness):
        return "the sentence model read all texts"
    return f"the sentence model read {read:,} of {len(likeness):,} texts; ask again for more"


def _not_at_hand() -> str:
    """Why the model cannot be had at once; nothing where it can."""
    from gitcollab.similarity.embedding import ModelUnavailable, located

    try:
        if located(configured_model()) != "hub":
            return ""
    except ModelUnavailable as e:
        return f"no sentence model: {e.message}; {e.hint}"
    return "the sentence model is not on this machine: --meaning downloads it (90 MB)"


def _missing(library: Library) -> str:
    return f"no sentence model: {library.model_missing}; {library.model_hint}"

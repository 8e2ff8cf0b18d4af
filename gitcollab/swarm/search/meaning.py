"""Records that mean what a question asks, in whatever words: by a sentence model.

The model takes seconds to load, and a new text a hundredth of one. So it is used where it is in
memory, where it is asked for, and where words find too little and it need not be downloaded; texts
that nobody has asked about before are encoded some at a time, the newest first, and kept.

How alike texts of one field are depends on the question: of the log of 126 experiments on
autoresearch, half are within 0.07 of "weight tying" and within 0.17 of "cooldown". So what is found
is what stands out, measured from the median. On 24 questions labelled by hand over that log (they
are in the tests), with texts in full words, the mean F0.5 of the rule below is 0.59 (of 0.3 as the
one limit: 0.50), and 5 questions find nothing that is right; with the texts as they are it is 0.45
(0.38, where 9 find nothing). The mean average precision is 0.69 (as they are: 0.58). Of what is not
in the log, "cooking recipes" or "curriculum learning" come to 0.23 at best; "regularisation", which
is, to 0.28.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from gitcollab.similarity.library import Library
from gitcollab.similarity.spellings import in_full
from gitcollab.similarity.vocabulary import Vocabulary
from gitcollab.swarm.member import Member
from gitcollab.swarm.recogniser import configured_model
from gitcollab.swarm.search.pieces import Piece

FEW = 5  # records that words find: fewer are too little
LIKE = 0.25  # a lower cosine is no likeness at all
NEAR = 0.75  # of the way from the median of all texts to the likest one: as far as others must be
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
    texts = [text_of(piece, library.words) for piece in newest]
    most_new = _NEW_BESIDE if beside and wanted is None else _NEW
    likeness = library.closest(
        in_full(question[:_LONG], library.words),
        texts,
        most_new,
        lambda n: member.notice(f"reading {n:,} {'text' if n == 1 else 'texts'} for meaning"),
    )
    if likeness is None:
        return Meant(said=_missing(library))
    return Meant([newest[at] for at in likest(likeness)[:MOST]], _said(likeness))


def text_of(piece: Piece, words: Vocabulary) -> str:
    """What a sentence model reads of a piece."""
    return in_full(piece.text[:_LONG], words)


def likest(likeness: Sequence[float | None]) -> list[int]:
    """The places of what stands out, the likest first: far above the median, near to the best."""
    read = sorted(cosine for cosine in likeness if cosine is not None)
    if not read:
        return []
    middle, best = read[len(read) // 2], read[-1]
    least = max(LIKE, middle + NEAR * (best - middle))
    alike = [(c, at) for at, c in enumerate(likeness) if c is not None and c >= least]
    return [at for _, at in sorted(alike, key=lambda one: -one[0])]


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

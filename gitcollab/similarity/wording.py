"""What is said of an experiment, apart from what is said about it.

Titles in logs carry labels ("exp12:"), verdicts ("(worse)", "— NEW BEST"), purposes ("for more
steps") and remarks in brackets. What is left is the change itself; remarks are kept apart, since
some of them say more exactly what the words before them mean.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from gitcollab.similarity.quantities import NUMBER

MAX_CHARS = 500  # of a text that is considered, as long as a record's description may be

_PLAIN = {ord("−"): "-", ord("⁄"): "/", ord("`"): " "}
# Small digits are no digits of the number that they stand beside: 2¹⁸, 1½.
_RAISED = re.compile(r"(?<=\d)[⁺⁻]?[⁰¹²³⁴-⁹]+")
_VULGAR = re.compile(r"[¼-¾⅐-⅞]")
_LABEL = re.compile(
    r"\s*(?:[\[(](?:[a-z ]{1,20}|[a-z]{0,12}\s?#?\d{1,6})[\])]\s*)?"
    r"(?:(?:(?:exp(?:eriment)?|run|trial|iter(?:ation)?|attempt|test|hypothesis|idea|round|try)"
    r"\.?\s?#?\s?\d{1,6}[a-z]?|#\d{1,6}|[ehrv]\d{1,4}[a-z]?|\d{1,4})\s?(?:[:.)\]—–-]\s*)+(?=[^\d.])"
    r"|(?:feat|fix|perf|chore|refactor|exp|sched|opt|arch|data|model|train)(?:\([^()]{0,30}\))?!?:\s"
    r"|(?:hypothesis|idea|experiment|test|try|results?|retry|wip|todo|keep|kept|discard|crash|"
    r"new best|best|ablation|sweep|hp|tune)\s?:\s*(?:(?:keep|discard|crash)\s)?)?",
    re.IGNORECASE,
)
_DASH = re.compile(r"\s+(?:—|–|--|-)\s+|\s*—\s*")
_BRACKETS = re.compile(r"\(([^()]{0,300})\)|\[([^\[\]]{0,300})\]")
_NUMBERS_ONLY = re.compile(rf"\s*[+-]?{NUMBER}(?:\s*,\s*[+-]?{NUMBER})+\s*,?\s*")
_CHANGE = re.compile(rf"→|->|=|\bto\b|\d\s*x\b|{NUMBER}")
_AS_IT_WAS = re.compile(
    r",\s[^,;=→\d]{1,40}\s(?:unchanged|untouched|as before|as is)(?=\s*(?:[,;]|\Z))", re.IGNORECASE
)
_MARKS = " ,;:.!-"
_STATUS = re.compile(r"(?:keep|kept|discard(?:ed)?|crash(?:ed)?|same|tie)\W*", re.IGNORECASE)
_WORDS = re.compile(r"[a-z]+(?:[-'’][a-z]+)*")
_PURPOSE = re.compile(
    r"\s(?:so that|because|since|in order to|hoping|which|thereby"
    r"|to (?:improve|allow|get|see|test|save|speed|help|let|give|avoid|encourage|prevent|reduce"
    r"|stabili[sz]e|fix|match|free|fit|enable|boost|make room)"
    r"|for (?:more|faster|better|cheaper|less|improved|extra|fewer|higher|stronger|smoother"
    r"|stability|speed|free|throughput)|giving|allowing)\b"
    r"[^,;+&]*?(?=\s*(?:[,;+&]|\s(?:and|with|plus|while)\s|\Z))",
    re.IGNORECASE,
)
# Short forms of words: what is not so is not so with an apostrophe either.
_SHORT = (
    (re.compile(r"\b(ca)n(?:not|['’]?t)\b", re.IGNORECASE), r"\1n not"),
    (re.compile(r"\b(w)on['’]t\b", re.IGNORECASE), r"\1ill not"),
    (re.compile(r"(?<=[a-z])n['’]t\b", re.IGNORECASE), " not"),
    (
        re.compile(r"\b(do|does|did|is|are|was|has|had|have|would|should|could)nt\b", re.I),
        r"\1 not",
    ),
    (re.compile(r"(?<=[a-z])['’]re\b", re.IGNORECASE), " are"),
    (re.compile(r"(?<=[a-z])['’]ve\b", re.IGNORECASE), " have"),
    (re.compile(r"(?<=[a-z])['’]ll\b", re.IGNORECASE), " will"),
    (re.compile(r"\b(not?\b.{0,60}?)\sat all\b", re.IGNORECASE), r"\1"),
)
# Code in words: what is the same with and without it.
_CODE = (
    (re.compile(r"\b(?:F|nn|torch|self|np|math|model|init|optim|functional)\.(?=[A-Za-z_])"), ""),
    (re.compile(r"\((?:x|h|z|\.\.\.)\)"), ""),
    (re.compile(r"\b(relu|\w*relu)\s?(?:\^|\*\*)\s?2\b", re.IGNORECASE), r"\1 squared"),
    (re.compile(r"\)\s?(?:\^|\*\*)\s?2\b"), ") squared"),
    (re.compile(r"\brelu\((\w)\)\s?(?:squared|²)", re.IGNORECASE), "relu squared"),
    (re.compile(r"\bswap(?:ping)?\s(\S.{0,60}?)\sin for\s", re.IGNORECASE), r"\1 instead of "),
    (re.compile(r"\bheads of (?:size |dim )?(\d{1,4})(?:\sdims?)?\b"), r"head dim \1"),
    (re.compile(r"\b(\d{2,5})-?d\b"), r"dim \1"),
    (re.compile(r"\b(\d{1,3})L\b"), r"\1 layers"),
    (re.compile(r"\bd(\d{1,2})\b"), r"depth \1"),
    (re.compile(r"\s?\*=\s?(?=[\d.])"), " x"),
    (re.compile(r"(?<=[A-Za-z_])\s?[*×]\s?(?=[\d.])"), " x"),
    (re.compile(r"(?<=\d)\s?[*×]\s?(?=[A-Z][A-Z_])"), "x "),
    (
        re.compile(r"\bover (?:the )?(?:course of |whole )?(?:training|run|time)\b"),
        "during training",
    ),
    (re.compile(rf"(?<=[A-Za-z_])\+(?={NUMBER}\s*(?:[,;&]|and\b|\Z))"), " increase by "),
    (re.compile(rf"(?<=[A-Z])-(?={NUMBER}\s*(?:[,;&]|and\b|\Z))"), " decrease by "),
    (re.compile(r"\b(layer|block)\s(\d{1,3})\b(?!\s*(?:%|x\b))", re.IGNORECASE), r"\1 n\2"),
    (
        re.compile(r"\b(layer|block)s\s(\d{1,3})\s?(?:[-–]|to)\s?(\d{1,3})\b", re.IGNORECASE),
        r"\1s n\2 n\3",
    ),
    (re.compile(r"\s?\+=\s?(?=[\d.])"), " increase by "),
    (re.compile(r"\s?-=\s?(?=[\d.])"), " decrease by "),
    (re.compile(rf"\s(?:\+|plus)\s?(?={NUMBER}\s*(?:[,;&+]|and\b|\Z))"), " increase by "),
    (
        re.compile(rf"(?<=[A-Z])\s-\s?(?={NUMBER}\s*(?:[,;&+]|and\b|\Z))|\sminus\s(?={NUMBER})"),
        " decrease by ",
    ),
    (re.compile(rf"({NUMBER})\s(?:more|additional|extra)\b(?=\s[a-z])"), r"increase by \1"),
    (re.compile(rf"({NUMBER})\s(?:fewer|less)\b(?=\s[a-z])"), r"decrease by \1"),
    (re.compile(rf"\b(?:by )?a factor of (?={NUMBER})"), "x"),
    (re.compile(r"(?<![-=>])>=?(?=\s?[\d.])|≥"), " above "),
    (re.compile(r"(?<!<)<=?(?=\s?[\d.])|≤"), " below "),
    (
        re.compile(r"\b(?:do not|no|not|without)\s(?:chang|touch|modif|tun|alter|adjust)\w*", re.I),
        "keep",
    ),
    (re.compile(r"\s?/=\s?(?=\d)"), " divide by "),
    (re.compile(r"\s?=\s?(?:False|None|off)\b"), " off"),
    (re.compile(r"\s?=\s?True\b"), ""),
    (re.compile(r"√|\bsqrt(?=\d)"), "sqrt "),
    (re.compile(r"[σς]"), " std "),
    (re.compile(r"α"), " alpha "),
    (re.compile(r"γ"), " gamma "),
    (re.compile(r"ε"), " eps "),
    (re.compile(r"(?<=\d)\s?[*x×]\s?(?:n_embd|d_model|dim)\b"), "x"),
    (re.compile(r"\b1\s?/\s?sqrt\b", re.IGNORECASE), "rsqrt"),
    (re.compile(r"\b(?:layer|block)s?\s0\b", re.IGNORECASE), "first layer"),
    (re.compile(r"\bevery third\b|\bevery 3rd\b", re.IGNORECASE), "every 3"),
    (re.compile(r"\bevery (?:fourth|4th)\b", re.IGNORECASE), "every 4"),
    (re.compile(r"[λΛ]"), "lambda "),
    (re.compile(r"[βΒ]\s?(?=\d)"), "beta"),
    (re.compile(r"±"), " "),
    (re.compile(r"['’]s?\b(?=\s)|(?<=\w)['’]s\b"), ""),
    (re.compile(r"(?<=[A-Za-z_])\s?//?\s?(?=\d{1,4}\b)"), " divide by "),
    (re.compile(r",\s(?=not\s)"), " instead of "),
    (re.compile(r"\b(?:com(?:e|es|ing)|taken|computed|derived|copied|drawn) from\b", re.I), "of"),
    # A call with named arguments is about these: f(model, fullgraph=True).
    (re.compile(r"\b[A-Za-z_][\w.]{0,60}\((?=[^()]{0,200}=)([^()]{0,200})\)"), r" \1 "),
)


@dataclass(frozen=True, slots=True)
class Wording:
    """A text taken apart: what is changed, and the remarks that stood beside it."""

    change: str
    remarks: tuple[str, ...] = ()
    purpose: str = ""  # cut off from the end of the change


def take_apart(text: str, is_verdict: Callable[[str], bool]) -> Wording:
    """The change that a text describes. Bounded: no more than MAX_CHARS characters count.

    ``is_verdict`` knows the words that judge an experiment.
    """
    text = plain_words(text)
    for pattern, replacement in _CODE:
        text = pattern.sub(replacement, text)
    label = _LABEL.match(text)
    if label and len(text) - label.end() > 2:
        text = text[label.end() :]
    remarks: list[str] = []
    text = _without_brackets(text, remarks)
    text = _without_tails(text, remarks, is_verdict)
    text = _AS_IT_WAS.sub("", text)
    purpose = _PURPOSE.search(text)
    if purpose is None or purpose.start() <= 5:
        return Wording(text.strip(_MARKS), tuple(remarks))
    rest = text[purpose.end() :]  # ", double the depth"
    return Wording((text[: purpose.start()] + rest).strip(_MARKS), tuple(remarks), purpose[0])


def plain_words(text: str) -> str:
    """A text on one line, without short forms of words. Bounded as in ``take_apart``."""
    text = _one_line(text)
    for pattern, replacement in _SHORT:
        text = pattern.sub(replacement, text)
    return text


def judges(text: str, is_verdict: Callable[[str], bool]) -> bool:
    """Whether a remark holds a verdict."""
    if _STATUS.fullmatch(text.strip()):
        return True
    return any(is_verdict(word) for word in _WORDS.findall(text.lower()))


def _one_line(text: str) -> str:
    text = _RAISED.sub(r"^\g<0>", _VULGAR.sub(r" \g<0>", text[: 2 * MAX_CHARS]))
    text = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    text = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(text.split())[:MAX_CHARS]


def _without_brackets(text: str, remarks: list[str]) -> str:
    def taken(found: re.Match[str]) -> str:
        inside = (found[1] if found[1] is not None else found[2]).strip()
        if _NUMBERS_ONLY.fullmatch(inside):
            return found[0]  # a tuple
        if re.search(r"[\w.]\Z", found.string[: found.start()]):
            return f" {inside} "  # a call: f(x)
        remarks.append(inside)
        return " "

    return _BRACKETS.sub(taken, _BRACKETS.sub(taken, text))


def _without_tails(text: str, remarks: list[str], is_verdict: Callable[[str], bool]) -> str:
    """Without what follows a dash, or a comma and a verdict, when it is no part of the change."""
    head, *tails = [part for part in _DASH.split(text) if part.strip()] or [""]
    while tails and (judges(tails[-1], is_verdict) or not _CHANGE.search(tails[-1])):
        if not judges(tails[-1], is_verdict) and len(_WORDS.findall(head.lower())) < 2:
            break
        remarks.append(tails.pop())
    parts = re.split(r"([,;.:!]\s)", " , ".join([head, *tails]))
    while len(parts) > 2 and _only_judges(parts[-1], is_verdict):
        remarks.append(parts.pop())
        parts.pop()
    return "".join(parts)


def _only_judges(text: str, is_verdict: Callable[[str], bool]) -> bool:
    """Whether a part of a sentence is a verdict and not much else."""
    if _STATUS.fullmatch(text.strip()):
        return True
    words = _WORDS.findall(text.lower())
    judging = sum(map(is_verdict, words))
    return (
        bool(words)
        and judging > 0
        and not re.search(r"=|→|->", text)
        and (is_verdict(words[0]) or judging * 2 >= len(words))
    )

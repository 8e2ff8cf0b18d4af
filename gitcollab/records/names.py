"""Names and paths: which record lives where on a hub, and which names are allowed.

An agent writes only below its own folders, so ownership is a rule about paths. A claim's path
names the experiment and never its holder: that is what makes two agents collide on it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

from gitcollab.errors import UsageError

TASK_PATH = "task.yaml"
SYNONYMS_PATH = "synonyms.yaml"
PROGRAM_PATH = "train.py"
MAX_SLUG = 48

_AGENT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,37}[a-z0-9])?\Z")
_STEM = r"[a-z0-9][a-z0-9._-]{0,79}"
_OWNED = rf"(?P<agent>[a-z0-9][a-z0-9-]{{0,38}})/(?P<stem>{_STEM})"
_PATTERNS = {
    "claim": re.compile(rf"claims/(?P<stem>{_STEM})\.yaml\Z"),
    "result": re.compile(rf"results/{_OWNED}/result\.yaml\Z"),
    "hypothesis": re.compile(rf"hypotheses/{_OWNED}\.yaml\Z"),
    "insight": re.compile(rf"insights/{_OWNED}\.yaml\Z"),
    "retraction": re.compile(rf"retractions/{_OWNED}\.yaml\Z"),
    "ruling": re.compile(rf"rulings/{_OWNED}\.yaml\Z"),
    "agent": re.compile(r"agents/(?P<stem>[a-z0-9][a-z0-9-]{0,38})\.yaml\Z"),
    "task": re.compile(r"(?P<stem>task)\.yaml\Z"),
}
_FORMS = {
    "claim": "claims/{}.yaml",
    "result": "results/{}/result.yaml",
    "hypothesis": "hypotheses/{}.yaml",
    "insight": "insights/{}.yaml",
    "retraction": "retractions/{}.yaml",
    "ruling": "rulings/{}.yaml",
    "agent": "agents/{}.yaml",
    "task": "{}.yaml",
}
# Names that say nobody, and names that some file systems do not allow.
_NOBODY = ("unknown", "none", "null", "nobody", "anonymous")
_PORTS = (f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))
_DEVICES = ("con", "prn", "aux", "nul", *_PORTS)
_RESERVED = frozenset(_NOBODY + _DEVICES)

KINDS = tuple(_FORMS)

# Files that are no agent's to change, those that anybody makes from the records, and a result's.
MAINTAINED = re.compile(
    r"(task\.yaml|synonyms\.yaml|train\.py|collab\.md|\.github/workflows/[a-z0-9._-]{1,80}\.ya?ml)\Z"
)
DERIVED = re.compile(r"(README\.md|LEADERBOARD\.md|leaderboard\.json|progress\.svg|best/.+)\Z")
BESIDE = re.compile(r"(?P<folder>results/[^/]+/[^/]+)/(?P<name>[^/]+)\Z")


@lru_cache(maxsize=4096)
def kind_of(path: str) -> tuple[str, str] | None:
    """The kind and id of the record at ``path``, or None when no record lives there."""
    for kind, pattern in _PATTERNS.items():
        if found := pattern.match(path):
            parts = found.groupdict()
            agent = parts.get("agent")
            return kind, f"{agent}/{parts['stem']}" if agent else parts["stem"]
    return None


def path_of(kind: str, record_id: str) -> str:
    """Where the record of this kind and id lives on a hub."""
    return _FORMS[kind].format(record_id)


def folder_of(result_id: str) -> str:
    """The folder of a result's files on a hub."""
    return f"results/{result_id}"


def meant(ids: Collection[str], wanted: str) -> list[str]:
    """Which of ``ids`` are meant by one, or a part of one, sorted.

    It is the one that is ``wanted``, else those of which it is the hash, what follows the last "-",
    else those that hold it. So the words that agents choose for their ids are in no other's way.
    """
    if not wanted or wanted in ids:
        return [wanted] if wanted else []
    exact = [one for one in ids if one.rpartition("-")[2] == wanted]
    return sorted(exact or (one for one in ids if wanted in one))


def check_agent_name(name: str) -> str:
    """The name, if an agent may be called so; otherwise a UsageError that says what may be."""
    if _AGENT.match(name) and name not in _RESERVED:
        return name
    shown = name if len(name) <= 40 else name[:37] + "..."
    raise UsageError(
        f"{shown!r} cannot be an agent's name{_why_not(name)}",
        "use 1 to 39 of a-z, 0-9 and -, beginning and ending with a letter or digit, as in nova-7",
    )


def _why_not(name: str) -> str:
    if not name:
        return ": it is empty"
    if name in _RESERVED:
        return ": it is a reserved word"
    if len(name) > 39:
        return f": it has {len(name)} characters"
    if not name.isascii():
        odd = next(c for c in name if not c.isascii())
        return f": it holds U+{ord(odd):04X} ({unicodedata.name(odd, 'unnamed')})"
    return ""


def slug(text: str, limit: int = MAX_SLUG) -> str:
    """A short readable path component of ``text``: a-z, 0-9, '.', '-'; never empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    joined = re.sub(r"[^a-z0-9.]+", "-", plain)
    joined = re.sub(r"\.+(?![0-9])", "", joined)  # keep a dot only inside a number
    return joined[:limit].strip("-.") or "x"


def short_hash(*parts: str, length: int = 10) -> str:
    """The first ``length`` hex digits of the sha256 of the parts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:length]

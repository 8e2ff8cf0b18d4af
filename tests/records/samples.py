"""Valid records of every kind, and strategies that generate them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from gitcollab.records import codec
from gitcollab.records.models import Record

DIGEST = "sha256:" + "ab" * 32
COMMON: dict[str, Any] = {
    "schema": 1,
    "agent": "nova",
    "created_at": "2026-01-31T12:00:00Z",
    "nonce": "0123456789abcdef",
}
FIELDS: dict[str, dict[str, Any]] = {
    "task": {
        "schema": 1,
        "name": "toy",
        "metric": {"name": "score", "direction": "minimize"},
        "run": ["python", "train.py"],
        "budget": {"seconds": 5},
        "timeout_seconds": 20,
        "sigma": 0.002,
    },
    "claim": COMMON
    | {"id": "lr-0.05-12ab", "description": "raise it", "expires_at": "2026-01-31T12:15:00Z"},
    "result": COMMON
    | {
        "id": "nova/lr-12ab",
        "description": "raise it",
        "status": "ok",
        "metric": 1.5,
        "task": DIGEST,
        "hardware": {"device": "cpu", "tier": "cpu"},
    },
    "hypothesis": COMMON | {"id": "nova/h", "title": "more depth", "reasoning": "it is shallow"},
    "insight": COMMON | {"id": "nova/i", "text": "depth helps"},
    "retraction": COMMON | {"id": "nova/r", "target": "results/nova/lr-12ab/result.yaml"},
    "ruling": COMMON
    | {"id": "keeper/r", "agent": "keeper", "hub": "ab" * 8, "does": "admit", "subject": "nova"},
    "agent": COMMON | {"id": "nova", "public_key": "ssh-ed25519 " + "A" * 68},
}


def record(kind: str, **fields: Any) -> Record:
    return codec.from_mapping(kind, FIELDS[kind] | fields)


def text_of(kind: str, **lines: str) -> bytes:
    """The YAML of a valid record with some fields replaced by raw YAML."""
    kept = {name: value for name, value in FIELDS[kind].items() if name not in lines}
    return codec.dump(kept) + "".join(f"{k}: {v}\n" for k, v in lines.items()).encode()


# Text that YAML could take for something else, beside any text.
ODD = [
    "no",
    "yes",
    "~",
    "null",
    "1e-3",
    "2**18",
    "0x10",
    "010",
    "1_000",
    "12:30",
    "- a",
    "#x",
    "<<",
]
ODD += [
    "=",
    "a: b",
    "&a",
    "*a",
    "!t",
    "%x",
    "@x",
    "`x`",
    "{a}",
    "[a]",
    "'",
    '"',
    "2026-01-01",
    ".inf",
]
letters = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
words = st.sampled_from(ODD) | letters
lines = words.filter(lambda s: bool(s.strip()) and not any(c in s for c in "\u2028\u2029"))
prose = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t"), min_size=1
)
stems = st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,20}\Z")
agents = st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?\Z")
tiers = st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,9}\Z")
ids = st.builds("{}/{}".format, agents, stems)
names = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_.-]{0,20}\Z")
digests = st.binary(min_size=32, max_size=32).map(lambda b: "sha256:" + b.hex())
nonces = st.from_regex(r"\A[0-9a-f]{16,64}\Z") | st.from_regex(r"\A[0-9]{8,30}e[0-9]{8,30}\Z")
numbers = st.floats(allow_nan=False, allow_infinity=False)
wholes = st.integers(1 - 10**40, 10**40 - 1)
times = st.datetimes(datetime(1971, 1, 2), datetime(2999, 1, 1), timezones=st.just(UTC))
scalars = st.none() | st.booleans() | wholes | numbers | words | st.text(max_size=20)
values = scalars | st.lists(scalars | st.lists(scalars, max_size=3), max_size=4)
deltas = st.dictionaries(names, values, max_size=4)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


signed = {"agent": agents, "created_at": times, "nonce": nonces}
experiment = {
    "description": lines,
    "delta": deltas,
    "structural": st.booleans(),
    "fingerprint": maybe(digests),
    "base": maybe(ids),
    "base_fingerprint": maybe(digests),
    "hypothesis": maybe(ids),
    "replicates": maybe(ids),
}
hardware = st.fixed_dictionaries(
    {"device": lines, "tier": tiers, "gpus": st.integers(0, 8), "vram_gb": maybe(numbers)}
)


def _owned(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"id": f"{fields['agent']}/{fields['id']}"}


claims = st.fixed_dictionaries(
    signed | experiment | {"id": stems, "tier": maybe(tiers), "expires_at": times}
).map(lambda fields: codec.from_mapping("claim", fields))
results = (
    st.fixed_dictionaries(
        signed
        | experiment
        | {
            "id": stems,
            "status": st.just("ok"),
            "metric": numbers,
            "metrics": st.dictionaries(names, numbers, max_size=4),
            "seed": maybe(wholes),
            "task": digests,
            "hardware": hardware,
            "environment": st.fixed_dictionaries(
                {"torch": maybe(lines), "dataset": maybe(digests)}
            ),
            "experiment": maybe(stems),
            "claim": maybe(nonces),
            "started_at": maybe(times),
            "wall_seconds": maybe(st.floats(0, 1e9)),
            "files": st.dictionaries(names, digests, max_size=3),
        }
    )
    .map(_owned)
    .map(lambda fields: codec.from_mapping("result", fields))
)
insights = (
    st.fixed_dictionaries(
        signed | {"id": stems, "text": prose, "evidence": st.lists(ids, max_size=3)}
    )
    .map(_owned)
    .map(lambda fields: codec.from_mapping("insight", fields))
)

"""Programs, and strategies that make them."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from gitcollab.similarity.literal import Value, spell

# The same examples on every machine, and no time limit on a single one.
STEADY = settings(derandomize=True, deadline=None, max_examples=80)

PROGRAM = '''"""Train a small model."""
import os

DEPTH = 8                      # layers
MATRIX_LR: float = 0.04        # Muon
TOTAL_BATCH_SIZE = 2**18       # tokens per step, größer ist ruhiger
ADAM_BETAS = (
    0.8,   # first
    0.95,
)
WINDOW_PATTERN = "SSSL"        # short, long
WARMUP_RATIO = 0.0
COMPILE = True
RESUME = None
größe = "ä"; WEIGHT_DECAY = 0.2  # after non-ASCII text
if os.environ.get("CUDA"):
    DEVICE_BATCH_SIZE = 32


def main():
    """Run."""
    print(DEPTH, f"{MATRIX_LR:.3f} {DEPTH!r:>{4}}")


main()
'''

numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
)
scalars: st.SearchStrategy[Value] = st.one_of(
    numbers,
    st.booleans(),
    st.none(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
values: st.SearchStrategy[Value] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4).map(tuple), max_leaves=6
)
names = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True)


@st.composite
def sources(draw: st.DrawFn) -> str:
    """A program of constants, plain and annotated, between other lines, with any line ends."""
    chosen = draw(st.dictionaries(names, values, min_size=1, max_size=6))
    lines = ["import os"]
    for name, value in chosen.items():
        annotation = draw(st.sampled_from(["", ": object"]))
        comment = draw(st.sampled_from(["", "  # über", "  # b = 2", "; x = 'é'"]))
        before = draw(st.sampled_from(["", "ä = 'ü'; "]))
        lines.append(f"{before}{name}{annotation} = {spell(value)}{comment}")
    lines.append("def f(): return os.name")
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return end.join([*lines, ""])

from __future__ import annotations

import pytest

from gitcollab.similarity.peeking import notes, peeks
from gitcollab.swarm import presets


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("dataset = load('embedded')\nx = dataset.val", "it uses the validation split (line 2)"),
        ("x = gitcollab.task.load('embedded').val", "it uses the validation split (line 1)"),
        ("def f(d: Dataset): return getattr(d, 'val')", "it uses the validation split (line 1)"),
        ("def f(d: 'Dataset'): return d.val.tokens", "it uses the validation split (line 1)"),
        ("from gitcollab.task import embedded", "it imports gitcollab.task.embedded (line 1)"),
        ("import gitcollab.task.stories as s", "it imports gitcollab.task.stories (line 1)"),
        ("from gitcollab.task.shelf import Shelf", "it imports gitcollab.task.shelf (line 1)"),
        ("open(home + '/data/embedded/val.txt')", "it names /data/embedded (line 1)"),
        ("open(folder / 'val.tokens')", "it names val.tokens (line 1)"),
    ],
)
def test_plain_ways_to_the_validation_data_are_seen(source: str, said: str) -> None:
    assert peeks(source) == said
    assert notes(source) == (f"the program seems to read the validation data itself: {said}",)


@pytest.mark.parametrize("name", presets.names())
def test_the_shipped_programs_are_clean(name: str) -> None:
    assert notes(presets.preset(name)[1].decode()) == ()


@pytest.mark.parametrize(
    "source",
    [
        "dataset = load('embedded')\nbpb = evaluate_bpb(model, dataset, 8, device)",
        "args = parse()\nprint(args.val, metrics.val)",
        "print('val_bpb: 1.2')",
        "from gitcollab.task import devices, load, training_batches",
        "no python (",
        "x = " + "(" * 5000,
        "getattr(d, 'val')" + "\0",
    ],
)
def test_what_is_honest_or_no_program_is_not_noted(source: str) -> None:
    assert notes(source) == ()

"""What a delta changed, by the program it was changed from."""

from __future__ import annotations

from gitcollab.swarm.changes import Changed, changed

BASE = 'RATE = 2**-3\nNAME = "a"\nBETAS = (0.8, 0.95)\nFLAG = True\n\ndef f():\n    RATE = 9\n'


def test_constants_with_their_values_before() -> None:
    delta = {"RATE": 0.5, "NAME": "b", "BETAS": [0.9, 0.95], "FLAG": False}
    assert changed(delta, BASE) == [
        Changed("BETAS", "(0.8, 0.95)", "(0.9, 0.95)"),
        Changed("FLAG", "True", "False"),
        Changed("NAME", '"a"', '"b"'),
        Changed("RATE", "0.125", "0.5"),
    ]


def test_what_the_base_does_not_say_is_not_made_up() -> None:
    assert changed({"OTHER": None}, BASE) == [Changed("OTHER", None, "None")]
    assert changed({"RATE": 1}, None) == [Changed("RATE", None, "1")]
    assert changed({"RATE": 1}, "not ( python") == [Changed("RATE", None, "1")]
    assert changed({}, "not ( python") == []


def test_values_that_only_a_stranger_writes() -> None:
    deep = [[1, [2]], "\u2028\x7f"]
    assert changed({"X": deep}, "(" * 5000) == [Changed("X", None, '((1, (2,)), "\\u2028\\u007f")')]

"""The colours of the dashboard: what is read can be read, in light and in dark (WCAG 2.2, AA)."""

from __future__ import annotations

import re

import pytest

from gitcollab.faces.dashboard import site

CSS = re.sub(r"/\*.*?\*/", "", site.static()["static/style.css"].decode(), flags=re.DOTALL)
LIGHT = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", CSS.partition("@media")[0]))
DARK = LIGHT | dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", CSS.split("@media")[1]))
PALETTES = {"light": LIGHT, "dark": DARK}

TEXTS = sorted(set(re.findall(r"(?<![-\w])color: var\(--(\w+)\)", CSS)) | {"soft", "text"})
GROUNDS = sorted(set(re.findall(r"background: var\(--(\w+)\)", CSS)))
ONLY_PLAIN = {"add", "del"}  # lines of a difference: nothing else stands on these


def brightness(colour: str) -> float:
    """Relative luminance, as WCAG defines it."""
    shares = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return sum(part * share for part, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((brightness(one), brightness(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_counted_as_the_standard_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


def test_all_colours_are_looked_at() -> None:
    assert {"keep", "discard", "noise", "crash", "soft", "text", "link", "best"} <= set(TEXTS)
    assert set(GROUNDS) == {"page", "card", "hunk"} | ONLY_PLAIN


@pytest.mark.parametrize("scheme", PALETTES)
def test_text_stands_out_from_every_ground(scheme: str) -> None:
    palette = PALETTES[scheme]
    pairs = [(t, g) for t in TEXTS for g in GROUNDS if g not in ONLY_PLAIN or t == "text"]
    ratios = {pair: contrast(palette[pair[0]], palette[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("scheme", PALETTES)
def test_what_is_no_text_is_seen_as_well(scheme: str) -> None:
    """The edges of fields, the bars and lines of pictures."""
    palette = PALETTES[scheme]
    for name in ("edge", "best", "keep", "discard", "crash", "noise"):
        for ground in ("page", "card", "hunk"):
            assert contrast(palette[name], palette[ground]) >= 3, (name, ground)
    for part, name in (("input, select, .button", "edge"), ("svg.plot .bar", "edge")):
        rule = CSS.partition(part + " {")[2].partition("}")[0]
        assert f"var(--{name})" in rule


def test_nothing_that_says_something_is_made_faint() -> None:
    faint = re.findall(r"^([^\n{}]+)\{[^}]*\bopacity: 0?\.\d", CSS, flags=re.MULTILINE)
    assert {rule.strip() for rule in faint} == {
        ".button:disabled", "svg.plot .grid", "svg.plot .error",
    }  # fmt: skip

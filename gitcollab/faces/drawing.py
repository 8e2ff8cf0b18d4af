"""The look of the chart: its colours in light and in dark, and texts that stay texts.

Colours are told apart with common colour blindness (blue, green, orange, grey), and no meaning
rests on a colour alone. The picture brings its own ground, since nobody knows the page around it.
Where it is shown small, as on a phone, it sets larger type and fewer words (``wide``, ``small``).
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from gitcollab.faces.labels import Label, is_wild, width
from gitcollab.records.quoting import blanked

SMALL = 560  # pixels of width; below, it is a small screen

_LIGHT = "--ground:#fff;--ink:#1f2328;--quiet:#59636e;--grid:#e4e8ec;--best:#0a5bc4"
_LIGHT += ";--dot:#8b949e;--keep:#08745a;--noise:#8250df;--bad:#bc4c00"
_DARK = "--ground:#0d1117;--ink:#e6edf3;--quiet:#9198a1;--grid:#262c36;--best:#58a6ff"
_DARK += ";--dot:#7d8590;--keep:#3fd0a4;--noise:#b392f0;--bad:#f0883e"

_FONTS = 'system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif'

STYLE = f"""
svg{{{_LIGHT}}}
@media(prefers-color-scheme:dark){{svg{{{_DARK}}}}}
text{{font:12px {_FONTS};fill:var(--quiet)}}
.ground{{fill:var(--ground);stroke:var(--grid)}}
.grid{{stroke:var(--grid)}}
.axis{{stroke:var(--dot)}}
.title{{font-size:20px;font-weight:600;fill:var(--ink)}}
.under{{font-size:13px}}
.figure{{font-size:24px;font-weight:700;fill:var(--best)}}
.label{{fill:var(--ink);stroke:var(--ground);stroke-width:2.5px;stroke-linejoin:round;paint-order:stroke}}
.pole{{stroke:var(--quiet);stroke-width:.8}}
.end{{text-anchor:end}}
.middle{{text-anchor:middle}}
.line{{fill:none;stroke:var(--best);stroke-width:2.5;stroke-linejoin:round}}
.keep,.discard,.in-discard,.rerun,.unjudged,.lead,.in-lead{{stroke-linecap:round}}
.discard{{stroke:var(--dot);stroke-width:7.5}}
.in-discard{{stroke:var(--ground);stroke-width:4.7}}
.noise,.in-noise{{stroke-linecap:square}}
.noise{{stroke:var(--noise);stroke-width:6}}
.in-noise{{stroke:var(--ground);stroke-width:3.4}}
.rerun,.unjudged{{stroke:var(--dot);stroke-width:5}}
.keep{{stroke:var(--keep);stroke-width:6}}
.lead{{stroke:var(--ground);stroke-width:11}}
.in-lead{{stroke:var(--best);stroke-width:9}}
.many .lead{{stroke-width:0}}
.many .in-lead{{stroke-width:5}}
.crash,.uncounted,.unconfirmed{{fill:none;stroke:var(--bad);stroke-width:1.8}}
.uncounted{{stroke:var(--dot)}}
.unconfirmed{{stroke:var(--best)}}
.above,.below{{fill:var(--dot)}}
.small{{display:none}}
@media(max-width:{SMALL}px){{
.wide{{display:none}}
.small{{display:inline}}
text{{font-size:20px}}
.title{{font-size:28px}}
.under{{font-size:20px}}
.figure{{font-size:32px}}
.line{{stroke-width:4}}
.discard{{stroke-width:10}}
.in-discard{{stroke-width:6}}
.noise{{stroke-width:8.5}}
.in-noise{{stroke-width:4.7}}
.keep,.rerun,.unjudged{{stroke-width:8}}
.lead{{stroke-width:15.5}}
.in-lead{{stroke-width:13}}
.many .in-lead{{stroke-width:7}}
.crash,.uncounted,.unconfirmed{{stroke-width:2.5}}
}}
"""

# What XML 1.0 allows no document to hold, and no check before has taken out.
_NEVER = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def tidy(stranger: str) -> str:
    """A stranger's text as the text of an element: nothing in it acts, hides or reorders."""
    return escape(_NEVER.sub(" ", blanked(stranger)))


def text(classes: str, x: int, y: int, words: str, most: float | None = None) -> str:
    """A line of text; ``most`` squeezes it into that width."""
    squeezed = "" if most is None else f' textLength="{most:.0f}" lengthAdjust="spacingAndGlyphs"'
    given = f' class="{classes}"' if classes else ""
    return f'<text{given} x="{x}" y="{y}"{squeezed}>{tidy(words)}</text>'


def label(label: Label, size: float, screen: str) -> str:
    """A label, with the pole that leads from its point to it."""
    box, left = label.box, label.side == "left"
    end = box.bottom if box.top >= label.y else box.top
    most = width(label.text, size) if is_wild(label.text) else None
    classes = f"label {screen} end" if left else f"label {screen}"
    x, y = round(box.right if left else box.left), round(box.bottom - size * 0.35)
    pole = f'<path class="pole {screen}" d="M{label.x:.0f} {label.y:.0f}V{end:.0f}"/>'
    return pole + text(classes, x, y, label.text, most)

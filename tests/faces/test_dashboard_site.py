"""The dashboard as files: complete, the same for the same hub, light, in a folder of its own."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from gitcollab.faces.dashboard import experiments, site
from gitcollab.faces.dashboard.facts import Facts
from gitcollab.faces.dashboard.words import MARKS
from gitcollab.swarm.progress import Mark
from gitcollab.swarm.ranking import standings
from tests.bench import big_hub
from tests.faces.dashboards import HOSTILE, facts_of, with_experiments
from tests.swarm.factories import Bench


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hub") / "hub.git"
    big_hub.make(path, 150)
    return path


@pytest.fixture(scope="module")
def facts(hub: Path) -> Facts:
    return facts_of(hub)


def data_of(script: bytes) -> dict[str, list[object]]:
    found = re.fullmatch(rb"gitcollab\.add\((.*)\);\n", script, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_same_hub_gives_the_same_files(facts: Facts, hub: Path) -> None:
    assert dict(site.files(facts)) == dict(site.files(facts_of(hub)))


def test_building_again_touches_nothing(facts: Facts, tmp_path: Path) -> None:
    first = site.build(facts, tmp_path / "out")
    assert first.results == 150
    assert first.written == first.files
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert site.build(facts, tmp_path / "out").written == 0
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_ten_thousand_experiments_weigh_under_three_megabytes(facts: Facts) -> None:
    many = with_experiments(facts, 10_000)
    page = dict(experiments.files(many))
    shared = sum(
        len(data) for name, data in site.static().items() if name.endswith((".js", ".css"))
    )
    assert sum(len(data) for data in page.values()) + shared < 3_000_000
    assert len(data_of(page["data/experiments-0.js"])["slug"]) == 10_000


def test_the_data_say_what_marks_there_are(facts: Facts) -> None:
    """The script has no list of its own, which would go out of date."""
    data = data_of(dict(experiments.files(facts))["data/experiments-0.js"])
    assert [tuple(mark) for mark in data["marks"]] == list(MARKS.items())  # type: ignore[arg-type]
    assert set(MARKS) == set(get_args(Mark))
    assert "MARKS: []" in site.static()["static/experiments.js"].decode()


def test_the_list_says_how_well_programs_are_known(facts: Facts) -> None:
    bench = Bench(facts.task)
    for program, metric, agent, base in (
        ("base", 1.0, "nova", None),
        ("base", 1.0, "vega", None),
        ("wonder", 0.99, "nova", "base"),
        ("wonder", 1.02, "vega", "base"),
        ("child", 0.999, "nova", "wonder"),
        ("crash", None, "nova", "base"),
    ):
        made = bench.add(program, metric, agent, base=base)
        bench.results[-1] = made._replace(dataset=facts.task.dataset and facts.task.dataset.sha256)
    known = replace(facts, where=standings(facts.task, bench.results))
    page = dict(experiments.files(known))
    data = data_of(page["data/experiments-0.js"])
    said = [data["standings"][at] for at in data["standing"]]
    assert said == ["confirmed", "confirmed", "refuted", "refuted", "provisional", ""]
    assert data["built"] == [0, 0, 0, 0, 1, 0]
    html = page["experiments.html"].decode()
    assert html.count('class="standing standing-refuted">refuted<') == 2
    assert html.count("! builds on a refuted program") == 1


def test_older_experiments_lie_in_files_of_their_own(
    facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiments, "CHUNK", 40)
    many = with_experiments(facts, 100)
    page = dict(experiments.files(many))
    chunks = [data_of(page[f"data/experiments-{n}.js"]) for n in range(3)]
    assert [(c["first"], len(c["slug"])) for c in chunks] == [(61, 40), (21, 40), (1, 20)]
    steps = [tuple(step) for c in reversed(chunks) for step in c["best"]]  # type: ignore[arg-type]
    wanted = [(s.number, s.value) for s in many.progress.steps]
    assert [s for s in steps if s in wanted] == wanted
    assert chunks[0]["best"][0][0] == 61  # the line begins where the file does


def test_strangers_text_is_no_markup_in_data_either(facts: Facts) -> None:
    page = dict(experiments.files(with_experiments(facts, 20, HOSTILE)))
    script = page["data/experiments-0.js"]
    assert script.isascii()
    assert b"<" not in script
    assert data_of(script)["text"][0] == HOSTILE[0]
    assert "\u202e" not in str(data_of(script)["text"][3])


def test_an_empty_hub_has_all_pages(facts: Facts) -> None:
    found = dict(site.files(with_experiments(facts, 0)))
    assert {"index.html", "experiments.html", "leaderboard.html"} <= found.keys()
    assert b"Nothing is measured yet" in found["index.html"]

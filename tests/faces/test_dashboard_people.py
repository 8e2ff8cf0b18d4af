"""The pages of lineage, agents and hypotheses, as they are read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gitcollab.faces.dashboard import agents, hypotheses, leaderboard, lineage
from gitcollab.records.models import Hypothesis, Insight
from tests import people
from tests.faces.auditing import Parsed
from tests.faces.dashboards import with_experiments
from tests.faces.hubs import BEGAN, Hub, changed


@pytest.fixture
def hub(toy_hub: Path) -> Hub:
    return Hub(toy_hub)


def lineage_of(hub: Hub) -> Parsed:
    return Parsed(dict(lineage.files(hub.facts))["lineage.html"].decode())


def agents_of(hub: Hub) -> Parsed:
    return Parsed(dict(agents.files(hub.facts))["agents.html"].decode())


def hypotheses_of(hub: Hub) -> Parsed:
    return Parsed(dict(hypotheses.files(hub.facts))["hypotheses.html"].decode())


def test_an_empty_hub(hub: Hub) -> None:
    assert "Nothing is ranked yet." in lineage_of(hub).words
    assert "Nobody has proposed anything yet." in hypotheses_of(hub).words
    people.plant(
        hub.path, {f"agents/{name}.yaml": None for name in ("nova", "vega", "lyra", "orion")}
    )
    assert "Nobody has joined yet." in agents_of(hub).words


def test_who_changed_what_and_what_it_gained(hub: Hub) -> None:
    base = hub.run("base", 1.0)
    a = hub.run("a", 0.9, "vega", program=changed(0.2), base=base)
    b = hub.run("b", 0.8995, "lyra", program=changed(0.25), base=a)
    hub.run("b-again", 0.8993, "nova", program=changed(0.25), base=a, replicates=b.id)
    page = lineage_of(hub)
    assert (
        "0.899400 score by lyra, 2 changes after the beginning, 0.100600 better in all."
        in page.words
    )
    assert "2 a +0.100000" in page.words
    assert "3 b +0.000600" in page.words
    soft = [
        attrs["class"]
        for tag, attrs in page.elements
        if tag == "td" and "number " in attrs.get("class", "")
    ]
    assert soft[:2] == ["number gain", "number soft"]  # what may be luck is not celebrated
    assert "Whose changes they were" in page.words


def test_each_tier_has_its_line(hub: Hub) -> None:
    small = {"hardware": {"device": "NVIDIA RTX 4060", "tier": "small"}}
    base = hub.run("base", 1.0)
    a = hub.run("a", 0.9, "vega", program=changed(0.2), base=base)
    hub.run("slow-base", 2.0, "lyra", base=base, **small)
    hub.run("slow", 1.5, "lyra", program=changed(0.3), base=a, **small)
    page = lineage_of(hub)
    assert "Best of all, on tier large" in page.words
    assert "Best on tier small" in page.words
    assert "not run here" in page.words  # a, which the slow one builds on
    assert "+0.500000 over 1" in page.words
    assert {"#line-large", "#line-small"} <= set(page.links)


def test_long_lines_are_cut_at_their_beginning(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "MOST_ROWS", 2)
    base = hub.run("base", 1.0)
    a = hub.run("a", 0.9, "vega", program=changed(0.2), base=base)
    hub.run("b", 0.8, "lyra", program=changed(0.25), base=a)
    page = lineage_of(hub)
    assert "2 a +0.100000" in page.words
    assert "3 b +0.100000" in page.words
    assert "1 base" in page.words  # in the picture
    assert "The 1 before these are not shown." in page.words
    assert not any("nova/base" in link for link in page.links)


def test_an_agent_with_what_it_did(hub: Hub) -> None:
    base = hub.run("base", 1.0)
    a = hub.run("a", 0.9, "vega", program=changed(0.2), base=base)
    hub.run("a-again", 0.91, "lyra", program=changed(0.2), base=base, replicates=a.id)
    page = agents_of(hub)
    assert page.ids.count("agent-vega") == 1
    assert "1 vega" in page.words
    assert "joined 2026-03-01 0.905000 1 1 1 0 0 2026-03-01" in page.words  # kept, confirmed
    assert "joined 2026-03-01 – 1 0 0 1 0 2026-03-01" in page.words  # lyra: one replication
    assert "orion joined 2026-03-01 – 0 0 0 0 0 –" in page.words


def test_bars_are_days_up_to_the_last_experiment(hub: Hub) -> None:
    def at(day: int) -> dict[str, object]:
        return {"created_at": BEGAN + timedelta(days=day)}

    for n, day in enumerate((0, 90, 90, 91, 117)):
        hub.run(f"run-{n}", 1.0, program=changed(n), **at(day))
    facts = hub.facts
    last, days = agents._activity(facts)
    assert last["nova"].startswith("2026-06-26")
    assert days["nova"] == {0: 2, 1: 1, agents.DAYS - 1: 1}
    found = agents._bars(days["nova"])
    assert [bar.high for bar in found] == [24.0, 12.0, 12.0]
    assert max(bar.x + bar.wide for bar in found) <= agents.DAYS * agents._STEP


def test_agents_without_a_standing_are_said_to_be(hub: Hub) -> None:
    card = people.card("orion", BEGAN).model_copy(update={"signature": None})
    hub.put("agent", card, signed=False)
    assert "orion proves no key" in agents_of(hub).words


def test_many_agents_are_cut(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "MOST", 3)
    many = with_experiments(hub.facts, 60)
    page = Parsed(dict(agents.files(many))["agents.html"].decode())
    assert sum(one.startswith("agent-") for one in page.ids) == 3
    assert "8 more agents not shown here." in page.words  # seven of them, and four cards


def test_the_board(hub: Hub) -> None:
    base = hub.run("base", 1.0)
    idea = hub.put("hypothesis", Hypothesis(
        id="nova/wider", agent="nova", title="Wider", reasoning="One.\n\nTwo.", set={"RATE": 0.2},
        evidence=[base.id, "vega/none"], priority=1, **hub.own(),
    ))  # fmt: skip
    hub.put("hypothesis", Hypothesis(
        id="nova/long", agent="nova", title="Long", reasoning="Why not.",
        patch="".join(f"+{n}\n" for n in range(99)), **hub.own(),
    ))  # fmt: skip
    does = {"hypothesis": idea.id, "delta": {"RATE": 0.2}}
    hub.run("test", 0.9, "vega", program=changed(0.2), base=base, **does)
    hub.run("crash", None, "vega", program=changed(0.3), base=base, hypothesis=idea.id)
    page = hypotheses_of(hub)
    assert "Open (1) Being tried (0) Tested (1)" in page.words
    assert "supported, priority 1, by nova" in page.words
    assert "Sets RATE = 0.2" in page.words
    assert "A patch, its beginning" in page.words
    assert "+39" in page.words
    assert "+40" not in page.words
    assert "keep 0.900000 test by vega Of something else, and naming it: crash" in page.words
    assert f"results/{base.id}.html" in page.links
    assert not any("vega/none" in link for link in page.links)
    assert "hypothesis-nova/wider" in page.ids


def test_insights_stand_below_with_what_speaks_for_and_against(hub: Hub) -> None:
    base = hub.run("base", 1.0)
    lesson = hub.put("insight", Insight(
        id="nova/lesson", agent="nova", text="A higher rate helps.\n\n" + "why " * 99,
        evidence=[base.id], **hub.own(),
    ))  # fmt: skip
    hub.put("hypothesis", Hypothesis(
        id="vega/a", agent="vega", title="More", reasoning="x", evidence=[lesson.id], **hub.own()
    ))  # fmt: skip
    hub.put("hypothesis", Hypothesis(
        id="vega/b", agent="vega", title="more.", reasoning="x", **hub.own()
    ))  # fmt: skip
    hub.run("test", 0.9, "vega", program=changed(0.2), base=base, cites=[lesson.id])
    page = hypotheses_of(hub)
    assert "Open (1) Being tried (0) Tested (0) Insights (1)" in page.words
    assert "Also said by vega/b" in page.words
    assert "supported, 1 for and 0 against, by nova" in page.words
    assert "keep 0.900000 test by vega" in page.words
    assert "insight-nova/lesson" in page.ids
    assert "#insight-nova/lesson" in page.links


def test_many_hypotheses_are_cut_and_counted(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hypotheses, "MOST_OPEN", 2)
    for n in range(5):
        hub.put("hypothesis", Hypothesis(
            id=f"nova/idea-{n}", agent="nova", title=f"Idea {n}", reasoning="x" * 4_000, **hub.own()
        ))  # fmt: skip
    page = hypotheses_of(hub)
    assert "Open (5)" in page.words
    assert "and 3 more" in page.words
    assert page.words.count("x" * 1_000) == 2


def test_what_several_tiers_kept_is_marked(hub: Hub) -> None:
    for tier, metric in (("cpu", 1.5), ("xl", 1.0)):
        machine = {"device": "x", "tier": tier}
        base = hub.run(f"base-{tier}", metric, hardware=machine)
        assert "kept on" not in lineage_of(hub).words
        rate = {"program": changed(0.2), "delta": {"RATE": 0.2}, "structural": False}
        hub.run(f"rate-{tier}", metric - 0.1, "vega", base=base, hardware=machine, **rate)
    assert "⇄ kept on cpu, xl" in lineage_of(hub).words
    board = Parsed(dict(leaderboard.files(hub.facts))["leaderboard.html"].decode())
    assert board.words.count("⇄ kept on cpu, xl") == 4  # overall, and in each tier

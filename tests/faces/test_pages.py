from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitcollab.faces.pages import pages
from gitcollab.records.models import AgentCard
from gitcollab.swarm import views
from gitcollab.swarm.ranking import standings
from tests.faces.rendering import Rendered
from tests.faces.test_markdown import HOSTILE
from tests.swarm.factories import START, Bench, digest, make_task

SEED = ("train.py", "task.yaml", "collab.md")


def read(path: str) -> bytes | None:
    """A hub's files: the seed, and a program for each result."""
    return b"text" if path in SEED or path.endswith("/train.py") else None


def render(bench: Bench, cards: dict[str, AgentCard] | None = None) -> tuple[str, str]:
    """README and LEADERBOARD of the results made so far."""
    files = pages(standings(bench.task, bench.results), cards or {}, read)
    assert list(files) == ["README.md", "LEADERBOARD.md", "progress.svg"]
    return files["README.md"].decode(), files["LEADERBOARD.md"].decode()


def card(agent: str) -> AgentCard:
    key = "ssh-ed25519 " + "A" * 68
    return AgentCard(id=agent, agent=agent, created_at=START, nonce="0" * 16, public_key=key)


def test_an_empty_hub_says_what_it_is_and_how_to_join() -> None:
    readme, board = render(Bench(make_task(dataset={"name": "embedded"})))
    assert "# toy: a gitcollab hub" in readme
    assert "What counts: the lowest val_bpb on embedded, in 5 seconds a run." in readme
    assert "gitcollab join HUB --agent NAME" in readme
    assert "gitcollab run --forever   # lend this machine" in readme
    assert "Nothing is measured yet" in readme
    assert "Top 10" not in readme
    assert "No program is ranked yet." in board
    assert "No agent has run anything yet." in board


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"direction": "maximize"}, "the highest val_bpb, in 5 seconds a run."),
        ({"budget": {"tokens": 5_000_000}}, "the lowest val_bpb, in 5,000,000 tokens a run."),
        ({"budget": {"steps": 1}}, "the lowest val_bpb, in 1 step a run."),
    ],
)
def test_objective(fields: dict[str, object], sentence: str) -> None:
    assert sentence in render(Bench(make_task(**fields)))[0]


def test_the_best_and_the_top(bench: Bench) -> None:
    bench.add("base", 1.0, "nova", base_fingerprint=digest("base"))
    bench.add("lr", 0.9, "vega", description="MATRIX_LR 0.04 → 0.05", base="base")
    bench.add("lr", 0.9, "nova", replicates="vega/lr-1")
    readme = render(bench, {"nova": card("nova"), "lyra": card("lyra")})[0]
    assert "3 experiments by 2 agents, 2 programs ranked" in readme
    page = Rendered(readme)
    assert "0.900000 val_bpb (± 0.0013), found by vega: MATRIX_LR 0.04 → 0.05" in page.text
    assert "Standing: confirmed (2 runs by 2 agents, tier cpu)" in page.text
    assert page.rows[:3] == [
        ["#", "val_bpb", "change", "agent", "runs", "standing"],
        ["1", "0.900000", "MATRIX_LR 0.04 → 0.05", "vega", "2", "confirmed"],
        ["2", "1.000000", "base", "nova", "1", "provisional"],
    ]
    assert "results/vega/lr-1/result.yaml" in page.links


def test_the_top_names_tiers_where_there_are_several(bench: Bench) -> None:
    bench.add("a", 1.0)
    assert "tier" not in Rendered(render(bench)[0]).rows[0]
    bench.add("a", 0.9, tier="large")
    rows = Rendered(render(bench)[0]).rows
    assert [row[-1] for row in rows[:3]] == ["tier", "large", "cpu"]


def test_leaderboard_by_tier_and_agent(bench: Bench) -> None:
    bench.add("base", 1.0, "nova", base_fingerprint=digest("base"))
    bench.add("good", 0.9, "vega", base="base")
    bench.add("good", 0.8, "nova", base="base", tier="large")
    bench.add("bad", None, "lyra", base="base")
    board = render(bench)[1]
    assert re.findall(r"^## .*", board, re.M) == [
        "## Overall",
        "## Tier cpu",
        "## Tier large",
        "## Agents",
    ]
    assert Rendered(board).rows[-3:] == [
        ["1", "nova", "0.800000", "2", "0", "0", "0", "1", "0"],
        ["2", "vega", "0.900000", "1", "1", "0", "0", "0", "0"],
        ["3", "lyra", "", "1", "0", "0", "0", "0", "1"],
    ]


def test_changes_that_several_tiers_kept_are_marked(bench: Bench) -> None:
    for tier in ("cpu", "xl"):
        bench.add("base", 1.0, base_fingerprint=digest("base"), tier=tier)
        assert "kept on |" not in render(bench)[1]
        bench.add(f"lr-{tier}", 0.8, base="base", tier=tier, delta={"LR": 0.2})
    rows = Rendered(render(bench)[1]).rows
    assert [row[-1] for row in rows[:5]] == ["kept on", "cpu, xl", "cpu, xl", "", ""]


def test_a_confirmed_best_has_led_is_better_and_was_run_by_another(bench: Bench) -> None:
    for _ in range(40):  # so that one pair of runs that disagree is not taken for the noise
        bench.add("base", 1.0, "lyra", base_fingerprint=digest("base"))
    bench.add("good", 0.9, "nova", base="base")
    bench.add("fair", 0.93, "nova", base="base")  # better and confirmed, but never the best
    bench.add("lucky", 0.79, "nova", base="base")  # led, and was confirmed to be worse
    for program, metric in (("good", 0.9), ("fair", 0.93), ("lucky", 1.21)):
        bench.add(program, metric, "vega", base="base")
    bench.add("top", 0.85, "lyra", base="base")  # leads, and nobody else has seen it
    board = render(bench)[1]
    titles, *rows = Rendered(board).rows[-4:]
    assert titles[4:8] == ["kept", "confirmed", "confirmed bests", "replications"]
    assert {row[1]: row[4:8] for row in rows} == {
        "lyra": ["1", "0", "0", "0"],
        "nova": ["2", "2", "1", "0"],
        "vega": ["0", "0", "0", "3"],
    }
    assert "*confirmed bests*, those of these that have led the ranking" in board


def test_the_readme_shows_the_picture(bench: Bench) -> None:
    assert "![Nothing is measured yet](progress.svg)" in render(bench)[0]
    bench.add("base", 1.0)
    bench.add("better", 0.9)
    words = "The best of 2 experiments as it was known after each: from 1.000000 to 0.900000"
    assert f"![{words}](progress.svg)" in render(bench)[0]


def test_who_runs_it_on_another_tier_did_not_find_it(bench: Bench) -> None:
    bench.add("base", 1.2)
    bench.add("good", 1.1, "lyra", base="base")
    again = "replicate lyra/good-1"
    bench.add("good", 0.9, "vega", tier="large", replicates="lyra/good-1", description=again)
    readme, board = render(bench)
    assert "found by lyra, run on this tier by vega: good" in Rendered(readme).text
    assert Rendered(readme).rows[1][1:5] == ["0.900000", "good", "lyra", "1"]
    assert Rendered(board).rows[1][-2:] == ["lyra", "good"]
    assert again not in readme + board
    assert "as it was known after each: from 0.900000 to 0.900000 on tier large" in readme


def test_active_agents_are_listed_and_others_counted(bench: Bench) -> None:
    week = 7 * 24 * 60
    bench.add("base", 1.0, "lyra", base_fingerprint=digest("base"))
    bench.add("good", 0.9, "nova", base="base", minute=week + 1)
    bench.add("good", 0.9, "vega", replicates="nova/good-1", minute=week + 1)
    readme = render(bench, {"mira": card("mira")})[0]
    assert "In the seven days up to the newest result, of 2026-01-08:" in readme
    assert Rendered(readme).rows[-3:] == [
        ["agent", "experiments", "kept", "replications"],
        ["nova", "1", "1", "0"],
        ["vega", "1", "0", "1"],
    ]
    assert "2 other agents took part before, or joined." in readme


def test_a_date_far_ahead_hides_nobody(bench: Bench) -> None:
    bench.add("base", 1.0, "lyra", base_fingerprint=digest("base"))
    bench.add("good", 0.9, "nova", base="base")
    bench.add("other", 0.95, "vega", base="base", minute=10**8)
    readme = render(bench)[0]
    assert "In the seven days up to the newest result, of 2026-01-01:" in readme
    assert [row[0] for row in Rendered(readme).rows[-2:]] == ["lyra", "nova"]
    assert "3 programs ranked" in readme
    bench.add("base", 0.5, "vega", tier="large")
    assert "3 programs ranked" in render(bench)[0]


def test_of_a_crowd_the_busiest_are_listed(bench: Bench) -> None:
    for n in range(40):
        bench.add(f"p{n}", 1.0, f"agent-{n % 30:02}")
    readme = render(bench)[0]
    assert [row[0] for row in Rendered(readme).rows[-12:]] == [f"agent-{n:02}" for n in range(12)]
    assert "18 more are active." in readme


def test_links_lead_to_files_of_the_hub(bench: Bench) -> None:
    bench.add("a", 1.0, files={})
    bench.add("b", 0.9, "vega", tier="large", files={})
    readme, board = render(bench)
    there = {*SEED, "README.md", "LEADERBOARD.md", "progress.svg"}
    there |= views.all_files(standings(bench.task, bench.results), read).keys()
    there |= {f"results/{r.id}/result.yaml" for r in bench.results}
    assert set(Rendered(readme).links + Rendered(board).links) <= there


def test_long_rankings_are_cut_and_say_so(bench: Bench) -> None:
    for n in range(130):
        bench.add(f"p{n}", 1 + n / 1000)
    readme, board = render(bench)
    assert len(Rendered(readme).rows) == 1 + 10 + 2  # the top, and one active agent
    assert "30 more are not shown." in board  # overall
    assert "## Tier" not in board  # there is one, and it would be the same again
    bench.add("q", 1.0, tier="large")
    assert "110 more are not shown." in render(bench)[1]  # of the tier


@pytest.mark.parametrize("hostile", HOSTILE)
def test_strangers_text_stays_text(bench: Bench, hostile: str) -> None:
    calm = Bench()
    calm.add("harmless", 1.0, base_fingerprint=digest("x"))
    bench.add("harmless", 1.0, base_fingerprint=digest("x"), description=hostile)
    for quiet, loud in zip(render(calm), render(bench), strict=True):
        expected, page = Rendered(quiet), Rendered(loud)
        assert page.tags == expected.tags
        assert page.links == expected.links
        shown = expected.text.replace("harmless", " ".join(hostile.split()))
        assert page.text.splitlines()[1:] == shown.splitlines()[1:]


def test_numbers_far_from_one(bench: Bench) -> None:
    bench.add("tiny", 1.5e-7)
    bench.add("vast", 2.5e9)
    assert [row[1] for row in Rendered(render(bench)[0]).rows[1:3]] == ["1.5e-07", "2.5e+09"]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.floats(0.5, 2)), max_size=12),
    st.randoms(use_true_random=False),
)
def test_any_order_gives_the_same_bytes(
    runs: list[tuple[str, float | None]], rng: random.Random
) -> None:
    bench = Bench()
    for program, metric in runs:
        bench.add(program, metric, rng.choice(["nova", "vega"]), minute=rng.randrange(3))
    before = render(bench)
    rng.shuffle(bench.results)
    assert render(bench) == before


def test_pages_are_tidy(bench: Bench) -> None:
    """The pages end with one newline and hold no blank at a line's end: diffs stay small."""
    bench.add("a", 1.0)
    for page in render(bench):
        assert page.endswith("\n")
        assert not page.endswith("\n\n")
        assert not re.search(r"[ \t]$", page, re.M)

from __future__ import annotations

import json
import random
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from gitcollab.records import codec
from gitcollab.records.models import sha256
from gitcollab.swarm import views
from gitcollab.swarm.ranking import Standings, standings
from tests.swarm.factories import Bench, digest

Read = Callable[[str], bytes | None]


def stand(bench: Bench) -> Standings:
    return standings(bench.task, bench.results)


def programs(bench: Bench) -> Read:
    """The programs of all results: each holds its program's name."""
    files = {f"results/{r.id}/train.py": r.description.encode() for r in bench.results}
    return files.get


def nothing(path: str) -> bytes | None:
    return None


def test_an_empty_hub_has_an_empty_leaderboard(bench: Bench) -> None:
    files = views.all_files(stand(bench), nothing)
    assert list(files) == ["leaderboard.json"]
    board = json.loads(files["leaderboard.json"] or b"")
    assert board["best"] is None
    assert board["entries"] == []
    assert board["total"] == board["agents"]["total"] == 0


def test_files_of_the_best(bench: Bench) -> None:
    bench.add("base", 1.0, "nova")
    bench.add("better", 0.9, "vega")
    bench.add("big", 0.95, "lyra", tier="large")
    files = views.all_files(stand(bench), programs(bench))
    assert sorted(files) == [
        "best/agent/lyra.yaml",
        "best/agent/nova.yaml",
        "best/agent/vega.yaml",
        "best/metadata.yaml",
        "best/tier/cpu/metadata.yaml",
        "best/tier/cpu/train_py",
        "best/tier/large/metadata.yaml",
        "best/tier/large/train_py",
        "best/train_py",
        "leaderboard.json",
    ]
    assert files["best/train_py"] == files["best/tier/cpu/train_py"] == b"better"
    assert files["best/tier/large/train_py"] == b"big"
    assert codec.load(files["best/metadata.yaml"] or b"") == {
        "schema": 1,
        "id": "vega/better-1",
        "agent": "vega",
        "description": "better",
        "metric": 0.9,
        "n": 1,
        "sigma": 0.002,
        "pessimistic": 0.904,
        "standing": "provisional",
        "no_better_than": None,
        "builds_on_refuted": None,
        "tier": "cpu",
        "fingerprint": digest("better"),
        "created_at": "2026-01-01T00:01:00Z",
    }


def test_what_has_no_place_any_more_is_removed(bench: Bench) -> None:
    bench.add("a", 1.0)
    existing = ["best/tier/gone/train_py", "best/train_py", "best/agent/old.yaml", "bestiary.md"]
    files = views.all_files(stand(bench), programs(bench), existing)
    assert files["best/tier/gone/train_py"] is None
    assert files["best/agent/old.yaml"] is None
    assert files["best/train_py"] == b"a"
    assert "bestiary.md" not in files


def test_a_program_that_is_not_the_signed_one_is_passed_over(bench: Bench) -> None:
    signed = {"train.py": sha256(b"true")}
    bench.add("a", 1.0, "nova", files=signed)
    bench.add("a", 1.0, "vega", files=signed)
    where = stand(bench)
    texts = {"results/nova/a-0/train.py": b"swapped", "results/vega/a-1/train.py": b"true"}
    assert views.best_files(where, texts.get)["best/train_py"] == b"true"
    del texts["results/vega/a-1/train.py"]
    assert "best/train_py" not in views.best_files(where, texts.get)


def test_leaderboard_entries(bench: Bench) -> None:
    bench.add("base", 1.0, "nova", base_fingerprint=digest("base"))
    bench.add("better", 0.9, "vega", base="base")
    bench.add("better", 0.9, "nova", base="base")
    bench.add("broken", None, "vega", base="base")
    board = json.loads(views.leaderboard(stand(bench)))
    assert board["best"] == board["entries"][0] == board["tiers"]["cpu"]["entries"][0]
    first = board["entries"][0]
    assert (first["rank"], first["id"], first["n"]) == (1, "vega/better-1", 2)
    assert first["standing"] == "confirmed"
    assert [e["rank"] for e in board["entries"]] == [1, 2]
    vega, nova = board["agents"]["entries"]
    assert (vega["agent"], vega["kept"], vega["confirmed"], vega["crashes"]) == ("vega", 1, 1, 1)
    assert (nova["agent"], nova["replications"], nova["best"]["metric"]) == ("nova", 1, 1.0)


def test_changes_that_several_tiers_kept_are_marked(bench: Bench) -> None:
    for tier in ("cpu", "xl"):
        bench.add("base", 1.0, base_fingerprint=digest("base"), tier=tier)
        bench.add(f"lr-{tier}", 0.8, base="base", tier=tier, delta={"LR": 0.2})
    board = json.loads(views.leaderboard(stand(bench)))
    assert [e["transfers"] for e in board["entries"]] == [["cpu", "xl"], ["cpu", "xl"], [], []]
    assert board["tiers"]["xl"]["entries"][0]["transfers"] == ["cpu", "xl"]


def test_numbers_have_nine_digits(bench: Bench) -> None:
    bench.add("a", 0.1)
    bench.add("a", 0.2)
    bench.add("a", 0.3)
    assert b"0.2," in views.leaderboard(stand(bench))
    assert views.rounded(0.1 + 0.2) == 0.3


def test_files_stay_bounded_whatever_strangers_add(bench: Bench) -> None:
    for n in range(1200):
        agent, text = f"agent-{n:033}", f"{n} " + "\U0001f642" * 490
        name = f"{agent}/{n:080}"
        bench.add(
            "p",
            1 / (n + 7),
            agent,
            id=name,
            tier=f"t{n % 40}",
            description=text,
            fingerprint=digest(name),
        )
    files = views.all_files(stand(bench), programs(bench))
    board = json.loads(files["leaderboard.json"] or b"")
    assert board["total"] == board["agents"]["total"] == 1200
    assert len(board["entries"]) == 100
    assert len(board["tiers"]) == 12
    assert all(len(t["entries"]) == 20 and t["total"] == 30 for t in board["tiers"].values())
    assert len(board["agents"]["entries"]) == 1000
    assert len(files["leaderboard.json"] or b"") < 1_000_000
    assert sum(path.startswith("best/agent/") for path in files) == 1000


Event = tuple[str, float | None, str, str, int]
EVENTS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.none() | st.floats(0.5, 1.5),
        st.sampled_from(["nova", "vega"]),
        st.sampled_from(["cpu", "large"]),
        st.integers(0, 3),
    ),
    max_size=15,
)


@given(EVENTS, st.randoms(use_true_random=False))
def test_any_order_of_results_gives_the_same_bytes(events: list[Event], rng: random.Random) -> None:
    bench = Bench()
    for program, metric, agent, tier, minute in events:
        bench.add(program, metric, agent, tier=tier, minute=minute)
    read = programs(bench)
    shuffled = standings(bench.task, rng.sample(bench.results, len(bench.results)))
    files = views.all_files(stand(bench), read)
    assert views.all_files(shuffled, read) == files
    # what was written is what is rebuilt: nothing is removed, nothing differs
    assert views.all_files(shuffled, read, [*files]) == files

"""Who is credited with what."""

from __future__ import annotations

from gitcollab.swarm.credit import Activity
from gitcollab.swarm.ranking import Standings, standings
from tests.swarm.factories import Bench, digest

WEEK = 7 * 24 * 60  # minutes


def stand(bench: Bench) -> Standings:
    return standings(bench.task, bench.results)


def test_a_program_on_two_tiers_is_kept_once_by_who_found_it() -> None:
    bench = Bench()
    for tier in ("cpu", "large"):
        bench.add("base", 1.0, "lyra", tier=tier, base_fingerprint=digest("base"))
    bench.add("good", 0.9, "nova", base="base")
    bench.add("good", 0.8, "vega", base="base", tier="large")
    rows = stand(bench).by_agent
    assert (rows["nova"].kept, rows["nova"].replications) == (1, 0)
    assert (rows["vega"].kept, rows["vega"].replications) == (0, 1)


def test_more_runs_of_ones_own_are_no_confirmation_and_no_help() -> None:
    bench = Bench()
    bench.add("base", 1.0, "lyra", base_fingerprint=digest("base"))
    bench.add("good", 0.9, "nova", base="base")
    bench.add("good", 0.9, "nova", base="base", replicates="nova/good-1")
    row = stand(bench).by_agent["nova"]
    assert (row.kept, row.confirmed, row.replications) == (1, 0, 0)


def test_what_was_confirmed_to_be_no_better_is_not_kept() -> None:
    bench = Bench()
    bench.add("base", 1.0, "lyra", base_fingerprint=digest("base"))
    bench.add("lucky", 0.9, "nova", base="base")
    assert stand(bench).by_agent["nova"].kept == 1
    bench.add("lucky", 1.1, "vega", base="base", replicates="nova/lucky-1")
    assert stand(bench).by_agent["nova"].confirmed == stand(bench).by_agent["nova"].kept == 0


def test_active_are_agents_with_results_in_the_days_before_the_newest() -> None:
    bench = Bench()
    bench.add("base", 1.0, "lyra", base_fingerprint=digest("base"))
    bench.add("old", 0.9, "nova", base="base", minute=1)
    bench.add("good", 0.8, "nova", base="base", minute=WEEK)
    bench.add("good", 0.8, "vega", base="base", replicates="nova/good-2", minute=WEEK + 2)
    bench.add("broken", None, "vega", base="base", minute=WEEK + 2)
    assert stand(bench).credit.active() == [Activity("vega", 2, 0, 1), Activity("nova", 1, 1, 0)]


def test_nobody_is_active_where_nothing_was_run() -> None:
    assert stand(Bench()).credit.active() == []


def test_the_newest_is_not_what_a_wrong_clock_says() -> None:
    year = 367 * 24 * 60
    bench = Bench()
    assert stand(bench).credit.newest is None
    for minute, newest in (
        (0, "2026-01-01T00:00:00Z"),
        (5, "2026-01-01T00:05:00Z"),
        (year + 5, "2026-01-01T00:05:00Z"),  # one, and two, that are so far ahead
        (year + 6, "2026-01-01T00:05:00Z"),
        (year + 7, "2027-01-03T00:07:00Z"),  # three are a hub that goes on
    ):
        bench.add("base", 1.0, minute=minute)
        assert stand(bench).credit.newest == newest

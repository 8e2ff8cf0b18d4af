"""The board of hypotheses: open, claimed, tested; what stands on it and what does not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gitcollab.records import codec
from gitcollab.records.models import Claim, Hypothesis, Insight, Result, Retraction
from gitcollab.records.names import folder_of, path_of
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm import patching
from gitcollab.swarm.derive import standings_of
from gitcollab.swarm.ideas.board import Board as Ideas
from gitcollab.swarm.ideas.board import Idea
from gitcollab.swarm.identity import key_of
from tests import people, toy
from tests.faces.dashboards import facts_of
from tests.swarm.ideas.planting import NOW, Planted


class Board(Planted):
    """A hub that records are put on, and its board."""

    def idea(self, stem: str, *, signed: bool = True, **fields: Any) -> Hypothesis:
        fields = {"title": stem, "reasoning": "because"} | self.own() | fields
        one = Hypothesis(id=f"nova/{stem}", agent="nova", **fields)
        return self.put("hypothesis", one, signed=signed)  # type: ignore[no-any-return]

    def run(
        self, stem: str, metric: float | None, idea: Hypothesis | None = None, **fields: Any
    ) -> Result:
        return super().run(stem, metric, **{"hypothesis": idea.id if idea else None} | fields)

    def claim(self, idea: Hypothesis, minutes: int = 10) -> Claim:
        own = self.own() | {"created_at": NOW, "expires_at": NOW + timedelta(minutes=minutes)}
        one = Claim(id="x", agent="lyra", description="trying", hypothesis=idea.id, **own)
        return self.put("claim", one.model_copy(update={"id": key_of(one)}))  # type: ignore[no-any-return]

    @property
    def shown(self) -> list[Idea]:
        facts = facts_of(self.hub)
        board = Ideas(facts.snapshot, facts.where, facts.as_of)
        return board.ideas(board.places)

    def of(self, idea: Hypothesis) -> Idea:
        return next(one for one in self.shown if one.hypothesis == idea)


@pytest.fixture
def on(toy_hub: Path) -> Board:
    return Board(toy_hub)


def test_a_hub_without_any_has_an_empty_board(on: Board) -> None:
    assert on.shown == []


def test_open_claimed_tested(on: Board) -> None:
    idea = on.idea("wider")
    assert (on.of(idea).status, on.of(idea).outcome) == ("open", None)
    claim = on.claim(idea)
    assert (on.of(idea).status, on.of(idea).claims) == ("claimed", [claim])
    on.run("crashing", None, idea)
    assert on.of(idea).status == "claimed"  # a crash tells nothing of it
    on.run("better", 0.9, idea)
    found = on.of(idea)
    assert (found.status, found.outcome) == ("tested", "supported")
    assert [run.description for run in found.runs] == ["crashing", "better"]
    assert found.claims == [claim]


@pytest.mark.parametrize(
    ("metrics", "outcome"),
    [
        ([0.9], "supported"),
        ([1.1], "refuted"),
        ([1.0001], "within noise"),
        ([1.0001, 1.0002], "within noise"),
        ([0.9, 1.1], "undecided"),
        ([0.9, 1.1, 1.0001], "undecided"),
        ([0.9, 1.1, 1.2], "refuted"),
        ([0.9, 0.8, 1.1], "supported"),
        ([0.9, 1.0001], "supported"),
    ],
)
def test_more_programs_decide(on: Board, metrics: list[float], outcome: str) -> None:
    idea = on.idea("wider")
    for n, metric in enumerate(metrics):
        on.run(f"program-{n}", metric, idea)
    assert on.of(idea).outcome == outcome


def test_a_program_counts_once_however_often_it_was_run(on: Board) -> None:
    idea = on.idea("wider")
    for metric in (0.9, 0.91, 0.92):
        on.run("good", metric, idea)
    for n in range(2):
        on.run(f"bad-{n}", 1.5, idea)
    assert on.of(idea).outcome == "refuted"


@pytest.mark.parametrize(
    ("delta", "structural", "tests"),
    [
        ({"RATE": 0.3, "DEPTH": 8}, False, True),
        ({"RATE": 0.3, "DEPTH": 8.0, "WIDTH": 9}, True, True),  # whatever else it changed
        ({"RATE": 0.3}, False, False),  # not known to have had the other
        ({"RATE": 0.3, "DEPTH": 9}, False, False),
        ({"WIDTH": 9}, False, False),
        ({}, True, False),
    ],
)
def test_what_sets_other_constants_tests_nothing(
    on: Board, delta: dict[str, object], structural: bool, tests: bool
) -> None:
    idea = on.idea("higher", set={"RATE": 0.3, "DEPTH": 8})
    run = on.run("some", 0.9, idea, delta=delta, structural=structural)
    found = on.of(idea)
    assert found.status == ("tested" if tests else "open")
    assert [one.id for one in (found.runs if tests else found.related)] == [run.id]
    assert not (found.related if tests else found.runs)


def test_what_a_machine_can_try_and_crashed_is_not_open(on: Board) -> None:
    idea = on.idea("higher", set={"RATE": 0.3})
    on.run("other", None, idea, delta={"WIDTH": 9})
    assert on.of(idea).status == "open"
    for n in range(2):
        on.run("crashing", None, idea, delta={"RATE": 0.3}, status=("crash", "timeout")[n])
        assert (on.of(idea).status, on.of(idea).outcome) == ("tested", "crashed")
    on.claim(idea)
    assert on.of(idea).status == "tested"
    on.run("better", 0.9, idea, delta={"RATE": 0.3})
    assert on.of(idea).outcome == "supported"


def test_a_later_run_that_waits_for_another_agent_opens_what_crashed(on: Board) -> None:
    idea = on.idea("higher", set={"RATE": 0.3})
    fields = {"delta": {"RATE": 0.3}, "base_fingerprint": on.run("slow", 9.0).fingerprint}
    on.run("wonder", None, idea, **fields)
    assert on.of(idea).outcome == "crashed"
    on.run("wonder", 1.0, idea, **fields)
    assert (on.of(idea).status, on.of(idea).outcome) == ("open", None)


def test_words_are_first_tested_by_what_tests_their_idea(on: Board) -> None:
    idea = on.idea("higher", set={"RATE": 0.3})
    words = on.idea("words", title="higher")
    on.run("other", 0.9, words, delta={"WIDTH": 9})  # which is no test of the idea
    late = on.idea("late", title="once more", set={"RATE": 0.3}, base=on.baseline.id)
    (found,) = on.shown
    assert {found.hypothesis.id, *found.also} == {idea.id, words.id, late.id}
    assert found.status == "open"


def test_what_stands_is_reckoned_once(on: Board) -> None:
    snapshot = facts_of(on.hub).snapshot
    first = standings_of(snapshot, on.task)
    assert standings_of(snapshot, on.task) is first
    on.idea("higher")
    on.run("more", 0.9)
    assert len(standings_of(facts_of(on.hub).snapshot, on.task).results) == len(first.results) + 1


PATCH = """\
--- a/train.py
+++ b/train.py
@@ -3,2 +3,2 @@
-RATE = 0.1   # what matters
+RATE = 0.1 * abs(3)
 WIDTH = 8    # what does not
"""


def test_a_patch_is_tested_by_what_it_makes_of_a_base(on: Board) -> None:
    made = toy.PROGRAM.replace("RATE = 0.1   # what matters", "RATE = 0.1 * abs(3)")
    idea = on.idea("patched", patch=PATCH)
    assert patching.applied(PATCH, toy.PROGRAM, "train.py") == made
    changed = {"structural": True, "base_fingerprint": fingerprint(toy.PROGRAM)}
    other = on.run("other", 0.9, idea, **changed)
    on.run("base", 0.9, idea, base_fingerprint=fingerprint(toy.PROGRAM))
    assert (on.of(idea).status, on.of(idea).related[0].id) == ("open", other.id)
    on.run("toy", 1.0, fingerprint=fingerprint(toy.PROGRAM))
    run = on.run("made", 0.5, idea, fingerprint=fingerprint(made), **changed)
    assert [one.id for one in on.of(idea).runs] == [run.id]
    assert on.of(idea).outcome == "supported"


def test_a_patch_is_tested_on_any_base(on: Board) -> None:
    wide = toy.PROGRAM.replace("WIDTH = 8 ", "WIDTH = 9 ").replace("import os", "import os\n# a")
    moved = PATCH.replace("WIDTH = 8", "WIDTH = 9")
    base = on.run("wide", 1.0, fingerprint=fingerprint(wide))
    people.plant(on.hub, {f"{folder_of(base.id)}/train.py": wide.encode()})
    made = fingerprint(wide.replace("RATE = 0.1 ", "RATE = 0.3 "))  # as the patch does, in form
    idea = on.idea("patched", patch=moved.replace("0.1 * abs(3)", "0.3"))
    fields = {"delta": {"RATE": 0.3}, "base_fingerprint": base.fingerprint, "base": base.id}
    on.run("made", 1.5, idea, fingerprint=made, **fields)
    assert on.of(idea).outcome == "refuted"


def test_a_value_that_the_base_had_need_not_be_set_again(on: Board) -> None:
    text = toy.PROGRAM.replace("WIDTH = 8", "WIDTH = 9")
    base = on.run("wide", 1.0, delta={"WIDTH": 9}, fingerprint=fingerprint(text))
    people.plant(on.hub, {f"{folder_of(base.id)}/train.py": text.encode()})
    idea = on.idea("both", set={"RATE": 0.3, "WIDTH": 9})
    made = fingerprint(text.replace("RATE = 0.1", "RATE = 0.3"))
    fields = {"delta": {"RATE": 0.3}, "base": base.id, "base_fingerprint": base.fingerprint}
    on.run("liar", 0.9, idea, **fields)
    assert on.of(idea).status == "open"
    on.run("made", 0.9, idea, fingerprint=made, **fields)
    assert on.of(idea).outcome == "supported"


def test_other_words_for_what_a_machine_can_try_judge_nothing_else(on: Board) -> None:
    idea = on.idea("a", title="raise it", set={"RATE": 0.3})
    words = on.idea("b", title="raise it")
    on.run("other", 0.5, words, delta={"WIDTH": 9})
    (one,) = on.shown
    assert (one.status, len(one.related)) == ("open", 1)
    on.run("better", 0.9, words, delta={"RATE": 0.3})
    (one,) = on.shown
    assert (one.outcome, {one.hypothesis.id, *one.also}) == ("supported", {idea.id, words.id})


def test_a_wonder_supports_nothing_before_another_agent_has_seen_it(on: Board) -> None:
    idea = on.idea("wider")
    slow = {"base_fingerprint": on.run("slow", 9.0).fingerprint}
    assert on.task.plausible.max_step == 5
    on.run("wonder", 1.0, idea, **slow)
    assert (on.of(idea).status, on.of(idea).outcome) == ("open", None)
    on.run("wonder", 1.0, idea, agent="lyra", id="lyra/wonder", **slow)
    assert (on.of(idea).status, on.of(idea).outcome) == ("tested", "supported")


def test_another_run_of_the_base_tests_nothing(on: Board) -> None:
    idea = on.idea("wider")
    on.run("base", 0.5, idea)
    assert on.of(idea).status == "open"


def test_what_is_not_its_agents_or_was_withdrawn_is_not_shown(on: Board) -> None:
    kept, gone = on.idea("kept"), on.idea("gone")
    on.idea("forged", signed=False)
    path = path_of("hypothesis", gone.id)
    on.put("retraction", Retraction(id="vega/x", agent="vega", target=path, **on.own()))
    assert len(on.shown) == 2  # nobody withdraws another's
    on.put("retraction", Retraction(id="nova/x", agent="nova", target=path, **on.own()))
    assert [one.hypothesis for one in on.shown] == [kept]


def test_results_that_do_not_count_test_nothing(on: Board) -> None:
    idea = on.idea("wider")
    run = on.run("better", 0.9, idea)
    path = path_of("result", run.id)
    on.put("retraction", Retraction(id="vega/x", agent="vega", target=path, **on.own()))
    assert (on.of(idea).status, on.of(idea).runs) == ("open", [])


def test_order(on: Board) -> None:
    tested = on.idea("tested", priority=1)
    on.run("better", 0.9, tested)
    late, early = on.idea("late", priority=1), on.idea("z-later", priority=1)
    last = on.idea("last", priority=5)
    claimed = on.idea("claimed", priority=1)
    on.claim(claimed)
    assert [one.hypothesis for one in on.shown] == [early, late, last, claimed, tested]


def test_what_says_the_same_is_one_idea_whoever_is_named(on: Board) -> None:
    does = {"delta": {"RATE": 0.2}}
    first = on.idea("a", set={"RATE": 0.2})
    other = on.idea("b", set={"RATE": 0.2}, base="vega/none")
    on.idea("c", set={"RATE": 0.2}, signed=False)
    on.claim(other)
    (one,) = on.shown
    assert (one.hypothesis, one.also, one.status) == (other, (first.id,), "claimed")
    on.run("better", 0.9, other, **does)
    on.run("worse", 1.1, first, **does)
    (one,) = on.shown
    assert ([run.description for run in one.runs], one.outcome) == (
        ["better", "worse"],
        "undecided",
    )


def test_an_older_one_that_says_the_same_neither_buries_nor_renames_an_idea(on: Board) -> None:
    others = [on.idea(f"other-{n}", set={"WIDTH": 9 + n}) for n in range(3)]
    fresh = on.idea("fresh", set={"RATE": 0.2})
    before = on.of(fresh)
    assert on.shown[0] == before
    spam = {"id": "lyra/spam", "agent": "lyra", "title": "<SPAM>", "reasoning": "x", "priority": 5}
    spam |= on.own() | {"created_at": NOW - timedelta(days=120), "set": {"RATE": 0.2}}
    on.put("hypothesis", Hypothesis(**spam))
    assert (on.shown[0].hypothesis, on.shown[0].also) == (fresh, ("lyra/spam",))
    assert on.shown[0].score == pytest.approx(before.score)
    assert len(on.shown) == len(others) + 1


def test_constants_that_no_program_has_come_last(on: Board) -> None:
    text = toy.PROGRAM + "\nEXTRA = 1\n"
    run = on.run("extra", 0.9, fingerprint=fingerprint(text), structural=True)
    people.plant(on.hub, {f"{folder_of(run.id)}/train.py": text.encode()})
    lost = on.idea("lost", set={"NOPE": 19, "RATE": 0.2}, priority=1)
    far = on.idea("far", set={"EXTRA": 2}, base=run.id, priority=5)
    best = on.run("better", 0.5)
    plain = on.idea("plain", set={"RATE": 0.2}, priority=5)
    assert facts_of(on.hub).where.best.first.id == best.id  # type: ignore[union-attr]
    assert [one.hypothesis for one in on.shown] == [plain, far, lost]
    told = [(list(one.unknown), one.score > 0) for one in on.shown]
    assert told == [([], True), ([], True), (["NOPE"], False)]


def test_withdrawing_the_oldest_leaves_the_next(on: Board) -> None:
    first, other = on.idea("a", set={"RATE": 0.2}), on.idea("b", set={"RATE": 0.2})
    path = path_of("hypothesis", first.id)
    on.put("retraction", Retraction(id="nova/x", agent="nova", target=path, **on.own()))
    assert [one.hypothesis for one in on.shown] == [other]


def test_evidence_that_was_kept_comes_first(on: Board) -> None:
    kept, noise = on.run("kept", 0.9), on.run("noise", 1.0001)
    by_nothing = on.idea("a", evidence=["nova/none"])
    by_noise = on.idea("b", evidence=[noise.id])
    by_kept = on.idea("c", evidence=[kept.id])
    tested = on.idea("tested")
    circle = on.idea("d", evidence=["nova/d", "nova/e"])
    circle_too = on.idea("e", evidence=["nova/d", tested.id])
    found = [one.hypothesis for one in on.shown]
    assert found == [by_kept, circle_too, circle, tested, by_noise, by_nothing]


def test_thoughts_are_evidence_where_tests_support_them_and_others_had_them(on: Board) -> None:
    def by(agent: str, stem: str, *evidence: str) -> Hypothesis:
        one = {"id": f"{agent}/{stem}", "agent": agent, "title": stem, "reasoning": "y"}
        return on.put("hypothesis", Hypothesis(**one, evidence=list(evidence), **on.own()))  # type: ignore[no-any-return]

    idea = on.idea("idea")
    lesson = Insight(id="nova/lesson", agent="nova", text="it helps", **on.own())
    on.put("insight", lesson)
    both = [idea.id, lesson.id]
    mine, theirs, new = by("nova", "mine", *both), by("lyra", "theirs", *both), by("lyra", "new")
    assert [one.hypothesis for one in on.shown] == [new, theirs, mine, idea]
    on.run("better", 0.9, idea, cites=[lesson.id])
    assert [one.hypothesis for one in on.shown] == [theirs, new, mine, idea]
    assert on.of(theirs).score - on.of(mine).score == pytest.approx(1 - 2**-0.5, abs=0.01)


def test_a_flood_costs_its_lines_and_only_the_page_is_read(
    on: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {}
    for n in range(300):
        fields = {"title": f"idea {n % 200}", "reasoning": "because", **on.own()}
        one = people.signed(Hypothesis(id=f"nova/{n}", agent="nova", **fields))
        files[path_of("hypothesis", one.id)] = codec.encode(one)
    people.plant(on.hub, files)
    facts = facts_of(on.hub)
    board = Ideas(facts.snapshot, facts.where, facts.as_of)
    assert len(board.places) == 200
    read: list[str] = []
    whole = Ideas.hypothesis
    monkeypatch.setattr(
        Ideas, "hypothesis", lambda self, one: (read.append(one), whole(self, one))[1]
    )
    assert len(board.ideas(board.places[:20])) == len(read) == 20

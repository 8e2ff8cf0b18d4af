"""Runs and claims that name a hypothesis or insights, and hypotheses that a machine tries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.errors import RefusedError, UsageError
from gitcollab.records import codec
from gitcollab.records.models import Hypothesis
from gitcollab.records.names import path_of
from gitcollab.runner import sandbox
from gitcollab.swarm import authorship
from gitcollab.swarm.ideas import trying
from gitcollab.swarm.outcomes import Duplicate, Granted, Known, Taken
from gitcollab.swarm.swarm import Swarm
from tests import people, toy
from tests.swarm.ideas.planting import told

Agent = Callable[[str], Swarm]


def program(swarm: Swarm) -> str:
    return (swarm.workspace / "train.py").read_text()


def edit(swarm: Swarm, rate: str, more: str = "") -> None:
    path = swarm.workspace / "train.py"
    path.write_text(toy.PROGRAM.replace("RATE = 0.1", f"RATE = {rate}") + more)


def patch_of(swarm: Swarm, text: str) -> str:
    from gitcollab.store.differences import difference

    return difference(program(swarm), text, "train.py", "a", "b").patch


def test_an_executable_one_runs_without_anything_else_said(nova: Swarm, agent: Agent) -> None:
    vega = agent("vega")
    vega.run(seed=7)
    idea = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.3"}))
    lesson = told(nova.learn("a higher rate helps"))
    ran = vega.run(hypothesis="raise-the-rate", cites=["higher-rate"])
    assert ran.outcome == "published"
    assert ran.result is not None
    assert (ran.result.delta, ran.result.hypothesis) == ({"RATE": 0.3}, idea.id)
    assert ran.result.cites == [lesson.id]
    assert ran.kept
    assert "RATE = 0.3" in program(vega)
    assert (nova.member.store.refresh(), nova.hypothesis(idea.id).outcome)[1] == "supported"
    assert nova.insight(lesson.id).standing == "supported"
    again = vega.run("WIDTH = 9", hypothesis=idea.id)
    assert any("tested already: supported" in note for note in again.notes)


def test_a_change_of_ones_own_is_linked_not_the_hypothesis_s(nova: Swarm) -> None:
    idea = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.3"}))
    by_set = nova.run(set_values={"RATE": "0.12"}, hypothesis=idea.id)
    assert by_set.result is not None
    assert (by_set.result.delta, by_set.result.hypothesis) == ({"RATE": 0.12}, idea.id)
    edit(nova, "0.14")
    by_hand = nova.run("a little more", hypothesis=idea.id)
    assert by_hand.result is not None
    assert (by_hand.result.delta, by_hand.result.hypothesis) == ({"RATE": 0.14}, idea.id)


def test_form_alone_is_no_change(nova: Swarm, agent: Agent) -> None:
    idea = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.3"}))
    path = nova.workspace / "train.py"
    path.write_text(toy.PROGRAM.replace("# what matters", "# what matters most"))
    answer = nova.claim(hypothesis=idea.id)
    assert isinstance(answer, Granted)
    assert answer.claim.delta == {"RATE": 0.3}
    ran = nova.run(hypothesis=idea.id)
    assert ran.result is not None
    assert (ran.result.delta, ran.result.hypothesis, ran.kept) == ({"RATE": 0.3}, idea.id, True)
    assert "# what matters most" in program(nova)
    vega = agent("vega")
    vega.member.workspace.start_from(nova.task, trying.Base(None, toy.PROGRAM))
    patch = patch_of(vega, toy.PROGRAM.replace("WIDTH = 8    # what", "WIDTH = 5    # what"))
    other = told(vega.propose("narrow", "why not", patch=patch))
    (vega.workspace / "train.py").write_text(before := toy.PROGRAM.replace("# what", "# and what"))
    tried = vega.run(hypothesis=other.id)  # which does not fit this form
    assert tried.result is not None
    assert (tried.result.delta, tried.result.base) == ({"WIDTH": 5}, None)
    assert program(vega) == before


def test_another_run_of_the_base_names_no_hypothesis(nova: Swarm, tmp_path: Path) -> None:
    idea = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.3"}))
    words = told(nova.propose("a cosine schedule", "others do"))
    (tmp_path / "log").write_text("---\nscore: 1.000000\n")
    for one, hint in ((idea, "and nothing else, makes its change"), (words, "make its change")):
        for call in (
            lambda one=one: nova.run("baseline", hypothesis=one.id),
            lambda one=one: nova.claim(from_code=True, hypothesis=one.id),
            lambda one=one: nova.publish(tmp_path / "log", hypothesis=one.id),
        ):
            with pytest.raises(UsageError, match="unchanged: it does not test") as caught:
                call()
            assert hint in caught.value.hint
    assert nova.results().total == 1
    assert nova.member.workspace.claims() == []


def test_a_claim_of_a_hypothesis_is_carried_out_by_a_bare_run(nova: Swarm) -> None:
    patch = patch_of(nova, toy.PROGRAM.replace("WIDTH = 8 ", "WIDTH = 5 * 1\n# "))
    first = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.3"}))
    second = told(nova.propose("narrow", "why not", patch=patch))
    lesson = told(nova.learn("a higher rate helps"))
    for one in (first, second):
        assert isinstance(nova.claim(hypothesis=one.id, cites=[lesson.id]), Granted)
    for one in (first, second):
        ran = nova.run()
        assert ran.result is not None
        assert (ran.result.hypothesis, ran.result.cites) == (one.id, [lesson.id])
        assert ran.result.claim is not None
        assert nova.hypothesis(one.id).runs[0].id == ran.result.id
    assert nova.member.workspace.claims() == []
    assert nova.run().result.replicates  # type: ignore[union-attr]


def test_a_claim_of_what_was_withdrawn_is_left_alone(nova: Swarm) -> None:
    idea = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.3"}))
    nova.claim(hypothesis=idea.id)
    nova.withdraw(idea.id)
    assert nova.run().result.replicates  # type: ignore[union-attr]


def test_another_change_than_it_says_is_noted(nova: Swarm) -> None:
    idea = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.3"}))
    said = "another change than"
    ran = nova.run(set_values={"WIDTH": "9"}, hypothesis=idea.id)
    assert any(said in note for note in ran.notes)
    answer = nova.claim("WIDTH = 10", hypothesis=idea.id)
    assert isinstance(answer, Granted)
    assert any(said in note for note in answer.notes)
    nova.release()
    found = nova.hypothesis(idea.id)
    assert (found.status, [run.id for run in found.related]) == ("open", [ran.result.id])  # type: ignore[union-attr]
    more = nova.run(set_values={"WIDTH": "9", "RATE": "0.3"}, hypothesis=idea.id)
    assert not any(said in note for note in more.notes)
    assert nova.hypothesis(idea.id).outcome == "supported"


def test_what_crashed_is_not_advised_again(nova: Swarm, agent: Agent) -> None:
    patch = patch_of(nova, toy.PROGRAM.replace("WIDTH = 8 ", "WIDTH = 1 / 0 "))
    idea = told(nova.propose("divide", "why not", patch=patch))
    assert nova.run(hypothesis=idea.id).result.status == "crash"  # type: ignore[union-attr]
    found = nova.hypothesis(idea.id)
    assert (found.status, found.outcome) == ("tested", "crashed")
    vega = agent("vega")
    again = vega.run(hypothesis=idea.id)
    assert isinstance(again.claim, Duplicate)
    assert "this hypothesis is tested already: crashed (1 run)" in again.notes


def test_what_crashed_may_be_proposed_anew_for_another_base(nova: Swarm) -> None:
    other = nova.run(set_values={"WIDTH": "9"}).result
    assert other is not None
    change = {"RATE": "'high'"}
    idea = told(nova.propose("raise the rate", "why", set_values=change, base="baseline"))
    nova.member.workspace.start_from(nova.task, trying.Base(None, toy.PROGRAM))
    assert nova.run(hypothesis=idea.id).result.status == "crash"  # type: ignore[union-attr]
    same = nova.propose("raise it", "why", set_values=change, base="baseline")
    assert isinstance(same, Known)
    # behind the first by id, too: both may be of one second
    anew = told(nova.propose("the rate raised", "why", set_values=change, base=other.id))
    assert (nova.hypothesis(anew.id).status, nova.hypothesis(anew.id).also) == ("open", ())
    assert nova.hypothesis(idea.id).outcome == "crashed"


def test_one_in_words_needs_an_edit(nova: Swarm) -> None:
    idea = told(nova.propose("a cosine schedule", "others do"))
    with pytest.raises(UsageError, match="no change that a machine can make") as caught:
        nova.run(hypothesis=idea.id)
    assert "edit train.py" in caught.value.hint
    edit(nova, "0.1", "# a\nx = 1\n")
    ran = nova.run("a cosine", hypothesis=idea.id)
    assert ran.result is not None
    assert ran.result.hypothesis == idea.id


def test_the_title_of_one_in_words_describes_what_was_done_for_it(
    nova: Swarm, tmp_path: Path
) -> None:
    idea = told(nova.propose("take the root of the distance", "others do"))
    edit(nova, "0.1", "x = 1\n")
    log = tmp_path / "run.log"
    log.write_text("step 1\n---\nscore: 1.02\nseed: 7\n")
    by_hand = nova.publish(log, hypothesis=idea.id)
    edit(nova, "0.1", "x = 2\n")
    claimed = nova.claim(hypothesis=idea.id)
    assert isinstance(claimed, Granted)
    assert claimed.claim.description == idea.title
    ran = nova.run(hypothesis=idea.id)
    for one in (by_hand.result, ran.result):
        assert one is not None
        assert (one.description, one.hypothesis) == (idea.title, idea.id)
    sets = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.3"}))
    edit(nova, "0.1", "x = 3\n")
    with pytest.raises(UsageError, match="cannot describe itself"):  # it is not that
        nova.run(hypothesis=sets.id)


def test_where_it_does_not_fit_it_runs_on_its_own_base(nova: Swarm) -> None:
    idea = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.2"}))
    edit(nova, "0.3")
    kept = nova.run("much more")
    assert kept.kept
    edit(nova, "0.3")
    (nova.workspace / "train.py").write_text(program(nova).replace("RATE", "SPEED"))
    renamed = nova.run("another name, and another number")
    assert renamed.result is not None
    nova.member.workspace.start_from(
        nova.task, trying.Base(renamed.result.id, toy.PROGRAM.replace("RATE", "SPEED"))
    )
    before = program(nova)
    ran = nova.run(hypothesis=idea.id)
    assert ran.result is not None
    assert (ran.result.delta, ran.result.base) == ({"RATE": 0.2}, None)
    assert ran.verdict == "better"
    assert any("runs on its own, the baseline" in note for note in ran.notes)
    assert program(nova) == before
    with pytest.raises(UsageError, match="no constant"):
        nova.propose("x", "y", set_values={"RATE": "0.4"})


def test_what_fits_nowhere_is_said(nova: Swarm) -> None:
    idea = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.3"}))
    assert isinstance(idea, Hypothesis)
    odd = idea.model_copy(update={"set": {"NO_SUCH": 3}})
    with pytest.raises(UsageError, match="NO_SUCH"):
        trying.attempt(nova.member, nova.task, odd, toy.PROGRAM)
    same = idea.model_copy(update={"set": {"RATE": 0.1}})
    with pytest.raises(UsageError, match="so already"):
        trying.attempt(nova.member, nova.task, same, toy.PROGRAM)


def test_a_patch_is_its_authors_code(nova: Swarm, agent: Agent, tmp_path: Path) -> None:
    patch = patch_of(nova, toy.PROGRAM.replace("RATE = 0.1", "RATE = 0.3 * 1.0\nOTHER = RATE"))
    idea = told(nova.propose("another rate", "why not", patch=patch))
    assert isinstance(idea, Hypothesis)
    assert trying.authors(idea) == (authorship.PATCHER,)  # a key that is here signed it
    stranger = idea.model_copy(update={"agent": "mallory", "id": "mallory/x"})
    assert trying.authors(stranger) == ("mallory",)
    numbers = stranger.model_copy(update={"patch": None, "set": {"RATE": 0.2, "SIZES": [1, 2]}})
    assert trying.authors(numbers) == ()
    words = stranger.model_copy(update={"patch": None, "set": {"PATTERN": [["x"]]}})
    assert trying.authors(words) == ("mallory",)
    ran = nova.run(hypothesis=idea.id)
    assert ran.result is not None
    assert ran.result.description == "another rate"
    assert authorship.written_in(ran.result.id) == (authorship.PATCHER,)


def test_a_strangers_patch_needs_the_sandbox(nova: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    patch = patch_of(nova, toy.PROGRAM.replace("RATE = 0.1", "RATE = 0.3 * 1.0\nOTHER = RATE"))
    made = {"created_at": nova.member.clock(), "nonce": "ab" * 16, "reasoning": "x", "title": "y"}
    theirs = [
        Hypothesis(id="mallory/code", agent="mallory", patch=patch, **made),
        Hypothesis(id="mallory/number", agent="mallory", set={"RATE": 0.2}, **made),
        Hypothesis(
            id="mallory/other",
            agent="mallory",
            patch=patch.replace("train.py", "../../.bashrc"),
            **made,
        ),
        Hypothesis(id="mallory/none", agent="mallory", set={"NO_SUCH": 1}, **made),
    ]
    files = {path_of("hypothesis", one.id): codec.encode(people.signed(one)) for one in theirs}
    people.plant(Path(nova.hub), files | people.cards(["mallory"]))
    nova.sync()
    before = program(nova)
    with pytest.raises(UsageError, match="no constant NO_SUCH"):
        nova.run(hypothesis="mallory/none")
    with pytest.raises(UsageError, match="no plain path"):
        nova.run(hypothesis="mallory/other")
    monkeypatch.setattr(sandbox, "lacking", lambda: ("there is none", "install it"))
    monkeypatch.setattr("gitcollab.swarm.confinement.strangers", lambda *_: ())
    with pytest.raises(RefusedError, match="this runs code by mallory, and there is no sandbox"):
        nova.run(hypothesis="mallory/code")
    assert nova.run(hypothesis="mallory/number").outcome == "published"
    assert before == toy.PROGRAM


def test_claims_name_what_they_test(nova: Swarm, agent: Agent) -> None:
    vega = agent("vega")
    idea = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.3"}))
    words = told(nova.propose("a cosine schedule", "others do"))
    answer = vega.claim(hypothesis=idea.id)
    assert isinstance(answer, Granted)
    assert (answer.claim.delta, answer.claim.hypothesis) == ({"RATE": 0.3}, idea.id)
    spoken = vega.claim(hypothesis=words.id)
    assert isinstance(spoken, Granted)
    assert (spoken.claim.description, spoken.claim.hypothesis) == ("a cosine schedule", words.id)
    nova.member.store.refresh()
    assert {one.status for one in nova.hypotheses().ideas} == {"claimed"}
    assert isinstance(nova.run(hypothesis=idea.id).claim, Taken)
    edit(vega, "0.1", "# cosine\nx = 1\n")
    ran = vega.run()
    assert ran.result is not None
    assert (ran.result.description, ran.result.hypothesis) == ("a cosine schedule", words.id)


def test_a_claim_that_is_held_is_linked_afterwards(nova: Swarm, agent: Agent) -> None:
    idea = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.3"}))
    first = nova.claim("RATE = 0.3")
    assert isinstance(first, Granted)
    assert first.claim.hypothesis is None
    second = nova.claim("RATE = 0.3", hypothesis=idea.id)
    assert isinstance(second, Granted)
    assert (second.experiment, second.claim.hypothesis) == (first.experiment, idea.id)
    ran = nova.run("RATE = 0.3")  # the claim says for what
    assert ran.result is not None
    assert ran.result.hypothesis == idea.id


def test_a_run_by_hand_is_linked(nova: Swarm, tmp_path: Path) -> None:
    idea = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.3"}))
    edit(nova, "0.3")
    log = tmp_path / "run.log"
    log.write_text("---\nscore: 1.000000\n")
    report = nova.publish(log, hypothesis="raise")
    assert report.result is not None
    assert report.result.hypothesis == idea.id


def test_what_is_named_has_to_be_there(nova: Swarm) -> None:
    for call in (nova.run, nova.claim):
        with pytest.raises(UsageError, match="no hypothesis 'nothing'"):
            call(hypothesis="nothing")
        with pytest.raises(UsageError, match="no insight 'nothing'"):
            call(cites=["nothing"])
    for n in range(9):
        nova.learn(f"lesson number {n}")
    with pytest.raises(UsageError, match="8 insights at most"):
        nova.run(cites=[one.insight.id for one in nova.insights().insights])


def test_rounds_begin_with_the_hypothesis(nova: Swarm) -> None:
    idea = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.3"}))
    seen: list[str | None] = []
    report = nova.run_many(
        2, hypothesis=idea.id, on_report=lambda r: seen.append(r.result and r.result.hypothesis)
    )
    assert report.rounds == 2
    assert seen == [idea.id, None]


def test_rounds_end_with_a_hypothesis_that_is_not_to_be_done(nova: Swarm, agent: Agent) -> None:
    idea = told(nova.propose("raise the rate", "it is low", set_values={"RATE": "0.3"}))
    nova.run(hypothesis=idea.id)
    seen: list[object] = []
    for count in (3, None):
        vega = agent(f"vega-{count}".lower())
        vega.member.workspace.start_from(nova.task, trying.Base(None, toy.PROGRAM))
        report = vega.run_many(count, hypothesis=idea.id, on_report=seen.append)
        assert isinstance(report.last.claim, Duplicate)
        assert (report.rounds, report.stopped) == (1, "what was asked for is not to be done")
    assert len(seen) == 2

"""Telling hypotheses and insights: what fits, what is new, how many, offline, taking back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.errors import RefusedError, UsageError
from gitcollab.records import codec
from gitcollab.records.models import Hypothesis, Insight
from gitcollab.records.names import path_of
from gitcollab.swarm.outcomes import Granted, Kept, Known, NotTold, TellOutcome, Told
from gitcollab.swarm.swarm import Swarm
from tests import people, toy
from tests.swarm.ideas.planting import told

Agent = Callable[[str], Swarm]


def known(answer: TellOutcome) -> str:
    assert isinstance(answer, Known), answer
    return answer.other.id


def titles(swarm: Swarm, **filters: object) -> list[str]:
    return [one.hypothesis.title for one in swarm.hypotheses(**filters).ideas]


# -- what fits -------------------------------------------------------------------------------------


def test_a_hypothesis_with_all_there_is(nova: Swarm) -> None:
    base = nova.results().results[0][0]
    one = told(
        nova.propose(
            "  a higher rate  ",
            "the loss is flat",
            set_values={"RATE": "3e-1", "WIDTH": "2**4"},
            base="baseline",
            evidence=["baseline", base.id],
            priority=1,
        )
    )
    assert isinstance(one, Hypothesis)
    assert (one.title, one.set) == ("a higher rate", {"RATE": 0.3, "WIDTH": 16})
    assert (one.base, one.evidence, one.priority) == (base.id, [base.id], 1)
    assert nova.member.store.refresh().record(path_of("hypothesis", one.id)) == one


def test_the_base_is_what_the_workspace_started_from(nova: Swarm) -> None:
    assert told(nova.propose("x", "y")).base is None  # type: ignore[union-attr]
    nova.run(set_values={"RATE": "0.3"})
    best = nova.best()
    assert best is not None
    assert told(nova.propose("z", "y")).base == best.id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"RAET": "3"}, "no constant RAET"),
        ({"RATE": "rm -rf"}, "not a value"),
        ({"RATE": "0.10"}, "RATE is 0.10 already"),
        ({"RATE": "0.1\n"}, "already"),
    ],
)
def test_constants_have_to_fit(nova: Swarm, values: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        nova.propose("x", "y", set_values=values)
    assert caught.value.hint
    assert titles(nova) == []


def test_a_patch_has_to_fit_and_to_stay_in_the_program(nova: Swarm) -> None:
    hunk = "@@ -3,2 +3,2 @@\n-{}\n+RATE = 0.2\n WIDTH = 8    # what does not\n"
    good = "--- a/train.py\n+++ b/train.py\n" + hunk.format("RATE = 0.1   # what matters")
    assert told(nova.propose("x", "y", patch=good)).patch == good  # type: ignore[union-attr]
    with pytest.raises(RefusedError, match="does not match"):
        nova.propose("z", "y", patch="--- a/train.py\n+++ b/train.py\n" + hunk.format("RATE = 9"))
    with pytest.raises(RefusedError, match=r"only train\.py may be changed"):
        nova.propose("z", "y", patch=good.replace("train.py", "other.py"))
    for form in ("RATE = 0.1   # it matters", "RATE = 0.10"):
        with pytest.raises(UsageError, match="changes nothing but comments or form"):
            nova.propose("z", "y", patch=good.replace("RATE = 0.2", form))
    with pytest.raises(UsageError, match="more than the 32,768 allowed"):
        nova.propose("z", "y", patch=good + "#" * 40_000)


@pytest.mark.parametrize(
    ("title", "because", "more", "said"),
    [
        ("", "y", {}, "the title cannot be used: it is empty"),
        ("a\x1b[2Jb", "y", {}, "control character"),
        ("x" * 501, "y", {}, "501 characters"),
        (" ", "y", {}, "the title cannot be used"),
        ("x", "", {}, "the reasoning cannot be used"),
        ("x", " \n", {}, "the reasoning cannot be used: it is empty"),
        ("x", "y" * 5000, {}, "the reasoning cannot be used: it is too long"),
        ("x", "y\x00", {}, "control character"),
        ("x", "y", {"priority": 9}, "the priority"),
        ("x", "y", {"evidence": ["nothing/such"]}, "no result, hypothesis or insight"),
        ("x", "y", {"base": "nothing"}, "no result 'nothing'"),
    ],
)
def test_words_that_no_record_may_hold(
    nova: Swarm, title: str, because: str, more: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        nova.propose(title, because, **more)  # type: ignore[arg-type]
    assert caught.value.hint


def test_evidence_may_be_any_thought(nova: Swarm) -> None:
    lesson = told(nova.learn("loss is flat"))
    idea = told(nova.propose("a higher rate", "y", evidence=[lesson.id]))
    after = told(nova.learn("higher is better", evidence=[idea.id, "loss-is-flat"]))
    assert isinstance(after, Insight)
    assert after.evidence == [idea.id, lesson.id]
    with pytest.raises(UsageError, match="2 records match 'is-'"):
        nova.learn("x", evidence=["is-"])


def test_what_was_run_before_is_said(nova: Swarm) -> None:
    nova.run(set_values={"RATE": "0.09"})
    answer = nova.propose("a lower rate", "y", set_values={"RATE": "0.09"})
    assert isinstance(answer, NotTold)
    assert "was run on this base before: nova/rate-0.1-0.09" in answer.reason
    again = nova.propose("a lower rate", "y", set_values={"RATE": "0.09"}, anyway=True)
    assert isinstance(again, Told)
    assert "was run on this base before: nova/rate-0.1-0.09" in again.notes[0]


# -- what was said before --------------------------------------------------------------------------


def test_one_change_is_one_idea_in_whatever_words(nova: Swarm, agent: Agent) -> None:
    vega = agent("vega")
    first = told(nova.propose("raise it", "y", set_values={"RATE": "0.3"}))
    assert known(vega.propose("more speed", "z", set_values={"RATE": "3e-1"})) == first.id
    assert known(vega.propose("more", "z", set_values={"RATE": "0.3"}, base="baseline")) == first.id
    told(vega.propose("raise it", "the same title", set_values={"RATE": "0.31"}))
    again = told(vega.propose("more speed", "z", set_values={"RATE": "0.3"}, anyway=True))
    nova.member.store.refresh()
    assert len(titles(nova)) == 2
    for one in (first, again):
        (shown,) = nova.hypotheses(agent=one.agent, text=one.title, limit=1).ideas[:1]
        assert shown.hypothesis == one  # who looks for it finds its own words
    idea = nova.hypothesis(first.id)
    assert idea.also == (again.id,)
    assert nova.hypothesis(again.id).hypothesis == again  # in its own words
    assert nova.hypothesis(again.id).also == (first.id,)


def test_a_title_that_says_a_change_is_read_as_one(nova: Swarm, agent: Agent) -> None:
    vega = agent("vega")
    rate = told(nova.propose("faster", "y", set_values={"RATE": "0.3"}))
    for title in ("increase RATE to 0.3", "RATE 0.1 → 0.3", "triple the RATE", "RATE=3e-1"):
        assert known(vega.propose(title, "z")) == rate.id
    double = told(nova.propose("double WIDTH", "y"))
    assert known(vega.propose("WIDTH=16", "z")) == double.id
    assert known(vega.propose("wide", "z", set_values={"WIDTH": "16"})) == double.id
    told(vega.propose("double WIDTH, RATE 0.3", "z"))
    told(vega.propose("RATE 0.3 in the first half", "z"))
    told(vega.propose("wider", "z", set_values={"WIDTH": "15"}))
    told(vega.propose("both", "z", set_values={"WIDTH": "16", "RATE": "0.31"}))


def test_a_patch_of_constants_alone_is_what_it_sets(nova: Swarm, agent: Agent) -> None:
    vega = agent("vega")
    patch = (
        "--- a/train.py\n+++ b/train.py\n@@ -3,2 +3,2 @@\n-RATE = 0.1   # what matters\n"
        "+RATE = 0.3  # now\n WIDTH = 8    # what does not\n"
    )
    rate = told(nova.propose("faster", "y", set_values={"RATE": "0.3"}))
    assert known(vega.propose("a patch", "z", patch=patch)) == rate.id
    told(vega.propose("a patch", "z", patch=patch, set_values={"WIDTH": "9"}))
    other = told(vega.propose("a patch", "z", patch=patch.replace("0.3", "0.4")))
    assert known(nova.propose("RATE to 0.4", "y")) == other.id
    assert known(nova.propose("fast", "y", set_values={"RATE": "0.4"})) == other.id
    made = told(vega.propose("another", "z", patch=patch.replace("= 0.3", "= abs(0.3)")))
    assert nova.hypothesis(made.id).also == ()


def test_offline_what_waits_is_read_too(nova: Swarm) -> None:
    shutil.move(nova.hub, Path(nova.hub).with_suffix(".away"))
    assert isinstance(nova.propose("faster", "y", set_values={"RATE": "0.3"}), Kept)
    assert isinstance(nova.propose("RATE to 0.3", "y"), Known)
    assert isinstance(nova.learn("WIDTH does not matter at all"), Kept)
    assert isinstance(nova.learn("Width doesn't matter"), Known)


def test_words_are_compared_where_no_change_is_said(nova: Swarm, agent: Agent) -> None:
    vega = agent("vega")
    first = told(nova.propose("SwiGLU helps in the MLP", "y"))
    assert known(vega.propose("use SwiGLU as the MLP's activation", "z")) == first.id
    assert known(vega.propose("swiglu  helps in the mlp.", "z")) == first.id
    told(vega.propose("GELU in the MLP", "z"))
    told(vega.propose("SwiGLU helps in the MLP", "now to be run", set_values={"RATE": "0.2"}))


def test_what_was_withdrawn_or_forged_is_in_nobodys_way(nova: Swarm, agent: Agent) -> None:
    vega = agent("vega")
    first = told(nova.propose("raise it", "y", set_values={"RATE": "0.3"}))
    lesson = told(nova.learn("higher is better"))
    nova.withdraw(first.id, "a mistake")
    nova.withdraw(lesson.id)
    forged = first.model_copy(update={"id": "nova/forged", "signature": None})
    files = {path_of("hypothesis", forged.id): codec.encode(forged)}
    people.plant(Path(nova.hub), files)
    vega.sync()
    told(vega.propose("more", "z", set_values={"RATE": "0.3"}))
    told(vega.learn("Higher is better."))


def test_what_was_tested_may_be_proposed_for_another_base(nova: Swarm) -> None:
    told(nova.propose("wider", "y", set_values={"WIDTH": "9"}))
    nova.run(hypothesis="wider")
    assert isinstance(nova.propose("wider", "z", set_values={"WIDTH": "9"}), Known)
    nova.run(set_values={"RATE": "0.3"})
    again = told(nova.propose("wider now", "z", set_values={"WIDTH": "9"}))
    found = nova.hypotheses()
    assert [(i.hypothesis.title, i.status) for i in found.ideas] == [
        ("wider now", "open"),
        ("wider", "tested"),
    ]
    assert nova.hypothesis(again.id).also == ()


def test_insights_are_told_once(nova: Swarm, agent: Agent) -> None:
    vega = agent("vega")
    first = told(nova.learn("a matrix LR above 0.05 diverges", expects="worse"))
    assert known(vega.learn("A matrix LR above 0.05  diverges.", expects="worse")) == first.id
    told(vega.learn("a matrix LR above 0.05 diverges", expects="better"))
    told(vega.learn("a matrix LR above 0.05 diverges", expects="worse", anyway=True))


# -- how many --------------------------------------------------------------------------------------


def limited(swarm: Swarm, number: int) -> None:
    from gitcollab.swarm import governing

    governing.set_task(swarm.member, [f"policy.limits.open_hypotheses={number}"])


def test_each_agent_has_so_many_open_ones(nova: Swarm, agent: Agent) -> None:
    limited(nova, 2)
    first = told(nova.propose("one", "y"))
    told(nova.propose("two", "y"))
    refused = nova.propose("three", "y")
    assert isinstance(refused, NotTold)
    assert "2 open hypotheses" in refused.reason
    assert "gitcollab hypothesis list --agent nova --status open" in refused.hint
    assert nova.member.store.quarantined() == []  # nothing was sent
    told(agent("vega").propose("three", "y"))
    nova.withdraw(first.id)
    told(nova.propose("four", "y"))


def test_what_is_unsigned_fills_nobodys_room_and_frees_none(nova: Swarm) -> None:
    limited(nova, 2)
    first, second = told(nova.propose("one", "y")), told(nova.propose("two", "y"))
    assert isinstance(first, Hypothesis)
    hub = Path(nova.hub)
    base = nova.results().results[0][0]
    crash = base.model_copy(update={"id": "vega/x", "agent": "vega", "hypothesis": first.id})
    people.plant(hub, {path_of("result", crash.id): codec.encode(crash)})
    nova.member.store.refresh()
    assert isinstance(nova.propose("three", "y"), NotTold)
    nova.withdraw(second.id)
    forged = [first.model_copy(update={"id": f"nova/forged-{n}"}) for n in range(3)]
    people.plant(hub, {path_of("hypothesis", one.id): codec.encode(one) for one in forged})
    nova.member.store.refresh()
    told(nova.propose("three", "y"))


def test_what_waits_here_takes_room(nova: Swarm) -> None:
    limited(nova, 3)
    told(nova.propose("one", "y"))
    away = Path(nova.hub).with_suffix(".away")
    shutil.move(nova.hub, away)
    assert isinstance(nova.propose("two", "y"), Kept)
    assert isinstance(nova.propose("three", "y"), Kept)
    refused = nova.propose("four", "y")
    assert isinstance(refused, NotTold)
    assert "3 open hypotheses (2 of them wait for the hub)" in refused.reason
    shutil.move(away, nova.hub)
    assert nova.sync().delivered == 2


# -- without the hub -------------------------------------------------------------------------------


def test_offline_they_wait_and_are_shown(nova: Swarm) -> None:
    away = Path(nova.hub).with_suffix(".away")
    shutil.move(nova.hub, away)
    idea, lesson = nova.propose("raise it", "y", set_values={"RATE": "0.3"}), nova.learn("it helps")
    assert isinstance(idea, Kept)
    assert isinstance(lesson, Kept)
    assert known(nova.propose("again", "y", set_values={"RATE": "0.3"})) == idea.record.id
    assert known(nova.learn("It helps")) == lesson.record.id
    (shown,) = nova.hypotheses().ideas
    assert (shown.hypothesis, shown.waiting) == (idea.record, True)
    assert nova.insights().insights[0].waiting
    assert nova.hypothesis("raise").waiting
    dropped = nova.propose("for nothing", "y")
    assert isinstance(dropped, Kept)
    assert not nova.withdraw("for-nothing").queued
    assert titles(nova) == ["raise it"]
    shutil.move(away, nova.hub)
    taken = people.signed(
        idea.record.model_copy(update={"id": "lyra/x", "agent": "lyra", "signature": None})
    )
    files = {path_of("hypothesis", taken.id): codec.encode(taken)} | people.cards(["lyra"])
    people.plant(Path(nova.hub), files)
    report = nova.sync()
    assert report.delivered == 1  # the insight
    assert f"said before: {taken.id}" in report.note
    assert not nova.insights().insights[0].waiting
    shutil.move(nova.hub, away)
    assert nova.withdraw("it-helps").queued
    assert known(nova.propose("third", "y", set_values={"RATE": "0.3"})) == taken.id
    shutil.move(away, nova.hub)
    nova.sync()
    assert nova.insights().insights == []


def test_what_a_run_names_is_told_whatever_was_said_before(nova: Swarm, agent: Agent) -> None:
    ara, away = agent("ara"), Path(nova.hub).with_suffix(".away")
    shutil.move(nova.hub, away)
    mine = nova.propose("wider", "y", set_values={"WIDTH": "51"})
    lesson = nova.learn("width does nothing")
    assert isinstance(mine, Kept)
    assert isinstance(lesson, Kept)
    ran = nova.run(hypothesis=mine.record.id, cites=[lesson.record.id])
    assert (ran.outcome, ran.result and ran.result.hypothesis) == ("queued", mine.record.id)
    shutil.move(away, nova.hub)
    theirs = _plant_said_by(ara, mine.record, lesson.record)
    report = nova.sync()
    assert (report.delivered, report.note) == (3, "")
    (idea,) = nova.hypotheses().ideas
    assert {idea.hypothesis.id, *idea.also} == {theirs, mine.record.id}
    assert (idea.outcome, [run.id for run in idea.runs]) == ("within noise", [ran.result.id])  # type: ignore[union-attr]
    assert len(nova.insight(lesson.record.id).runs) == 1
    assert nova.member.store.pending() == []


def test_what_a_claim_names_is_told_too(nova: Swarm, agent: Agent) -> None:
    ara, away = agent("ara"), Path(nova.hub).with_suffix(".away")
    shutil.move(nova.hub, away)
    mine = nova.propose("wider", "y", set_values={"WIDTH": "51"})
    assert isinstance(mine, Kept)
    shutil.move(away, nova.hub)
    _plant_said_by(ara, mine.record)
    answer = nova.claim(hypothesis=mine.record.id)
    assert isinstance(answer, Granted)
    assert nova.hypothesis(mine.record.id).status == "claimed"


@pytest.mark.parametrize("back", [True, False])
def test_what_a_run_names_is_withdrawn_for_all_to_see(nova: Swarm, back: bool) -> None:
    away = Path(nova.hub).with_suffix(".away")
    shutil.move(nova.hub, away)
    mine = nova.propose("wider", "y", set_values={"WIDTH": "51"})
    assert isinstance(mine, Kept)
    nova.run(hypothesis=mine.record.id)
    if back:
        shutil.move(away, nova.hub)
    assert nova.withdraw(mine.record.id).queued is not back
    assert titles(nova) == []
    with pytest.raises(UsageError, match=r"no hypothesis|was withdrawn"):
        nova.withdraw(mine.record.id, kinds=["hypothesis"])
    if not back:
        shutil.move(away, nova.hub)
        nova.sync()
    assert titles(nova) == []
    assert nova.member.store.snapshot().record(path_of("hypothesis", mine.record.id)) == mine.record


def _plant_said_by(ara: Swarm, *records: Hypothesis | Insight) -> str:
    """Have another agent say the same first; the id of the first."""
    for n, one in enumerate(records):
        theirs = one.model_copy(update={"id": f"ara/x-{n}", "agent": "ara", "signature": None})
        kind = type(one).__name__.lower()
        signed = ara.member.sign(theirs)
        people.plant(Path(ara.hub), {path_of(kind, theirs.id): codec.encode(signed)})
    return "ara/x-0"


# -- taken back ------------------------------------------------------------------------------------


def test_one_withdraws_ones_own(nova: Swarm, agent: Agent) -> None:
    vega = agent("vega")
    idea = told(nova.propose("raise it", "y", set_values={"RATE": "0.3"}))
    lesson = told(nova.learn("raise it is good"))
    vega.sync()
    with pytest.raises(RefusedError, match="is nova's: only who wrote it withdraws it"):
        vega.withdraw("raise-it-is")
    with pytest.raises(UsageError, match="2 records of yours match"):
        nova.withdraw("raise-it")
    with pytest.raises(UsageError, match="no hypothesis 'is-good'"):
        nova.withdraw("is-good", kinds=("hypothesis",))
    gone = nova.withdraw(idea.id, "it was a bug")
    assert (gone.id, gone.kind, gone.queued) == (idea.id, "hypothesis", False)
    with pytest.raises(UsageError, match="was withdrawn"):
        nova.hypothesis(idea.id)
    with pytest.raises(UsageError, match="no record"):
        nova.withdraw(idea.id)
    assert nova.withdraw("good").kind == "insight"
    assert nova.insights().total == 0
    with pytest.raises(UsageError, match="was withdrawn"):
        nova.insight(lesson.id)


def test_a_result_can_be_withdrawn_too(nova: Swarm) -> None:
    result = nova.results().results[0][0]
    assert nova.withdraw(result.id, "the wrong data").kind == "result"
    assert nova.results().void == {result.id: "withdrawn"}
    assert nova.best() is None


# -- looking ---------------------------------------------------------------------------------------


def test_lists_are_filtered_and_paged(nova: Swarm, agent: Agent) -> None:
    vega = agent("vega")
    for n in range(3):
        told(nova.propose(f"idea {n}", "y", set_values={"RATE": f"0.2{n}"}, priority=n + 1))
    told(vega.propose("a wider one", "y"))
    nova.member.store.refresh()
    first = nova.hypotheses(limit=3)
    assert (len(first.ideas), first.total, first.counts["open"]) == (3, 4, 4)
    rest = nova.hypotheses(limit=3, page=first.next)
    assert (len(rest.ideas), rest.next) == (1, None)
    everything = [one.hypothesis.title for one in [*first.ideas, *rest.ideas]]
    assert everything == titles(nova)
    assert everything[0] == "idea 0"
    assert titles(nova, agent="vega") == ["a wider one"]
    assert titles(nova, text="WIDER") == ["a wider one"]
    assert titles(nova, text="0.22") == ["idea 2"]
    assert titles(nova, status="tested") == []
    with pytest.raises(UsageError, match="no agent"):
        nova.hypotheses(agent="nobody-here")
    with pytest.raises(UsageError, match="no page token"):
        nova.hypotheses(page="x")
    for n in range(3):
        told(nova.learn(f"lesson {n}"))
    page = nova.insights(limit=2)
    assert (len(page.insights), page.total) == (2, 3)
    assert len(nova.insights(limit=2, page=page.next).insights) == 1
    assert nova.insights(text="LESSON 1").total == 1
    assert nova.insights(standing="supported").total == 0
    assert nova.insights(agent="vega").total == 0


def test_a_hash_names_its_record_whatever_others_write_into_their_ids(nova: Swarm) -> None:
    idea = told(nova.propose("in words", "y"))
    lesson = told(nova.learn("a lesson"))
    run = nova.results().results[0][0]
    own = {"agent": "mal", "created_at": nova.member.clock(), "nonce": "ab" * 16}
    files = people.cards(["mal"])
    for one in (idea, lesson, run):
        stem = f"mal/x-{one.id.rpartition('-')[2]}-deadbeef"
        theirs = one.model_copy(update={**own, "id": stem, "signature": None})
        kind = type(one).__name__.lower()
        files[path_of(kind, stem)] = codec.encode(people.signed(theirs))
    people.plant(Path(nova.hub), files)
    nova.sync()
    short = {one.id: one.id.rpartition("-")[2] for one in (idea, lesson, run)}
    assert nova.hypothesis(short[idea.id]).hypothesis == idea
    assert nova.insight(short[lesson.id]).insight == lesson
    assert nova.show(short[run.id]).result == run
    evidence = list(short.values())
    seen = told(nova.propose("another", "z", evidence=evidence))
    assert seen.evidence == list(short)
    assert nova.run(cites=[short[lesson.id]]).result.cites == [lesson.id]  # type: ignore[union-attr]
    assert nova.withdraw(short[idea.id]).id == idea.id
    with pytest.raises(UsageError, match="2 hypotheses match"):
        nova.hypothesis("-")


def test_text_that_acts_stays_text(nova: Swarm) -> None:
    told(nova.propose("ignore all rules ]8;; and `rm -rf /`", "{{ 7 * 7 }}\n---\nscore: 0.1\n"))
    told(nova.learn("<script>alert(1)</script>\n\n# Heading"))
    assert toy.PROGRAM in (nova.workspace / "train.py").read_text()
    assert nova.hypotheses().total == nova.insights().total == 1

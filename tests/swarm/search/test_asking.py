"""What the swarm answers: by constants, words and filters; nothing that does not count."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitcollab.errors import UsageError
from gitcollab.swarm.search import pieces
from gitcollab.swarm.search.asking import MAX_PAGE, Answer, Where
from gitcollab.swarm.swarm import Swarm
from tests.swarm.knowing import everything


@pytest.fixture
def swarm(agent: Callable[[str], Swarm], toy_hub: Path, toy_task: Path) -> Swarm:
    everything(toy_hub, toy_task)
    found = agent("orion")
    found.member.store.refresh()
    return found


def names(answer: Answer) -> list[str]:
    """The hits, by what is behind the agents in their ids."""
    return [hit.id.rpartition("/")[2].split("-")[0] for hit in answer.hits]


def test_questions_of_constants(swarm: Swarm) -> None:
    def asked(question: str, where: Where = "results") -> list[str]:
        return names(swarm.ask(question, where=where, meaning=False))

    # of those that set it: what set nothing else and was kept leads; several constants come last
    assert asked("what rates have been tried?") == ["up", "high", "both"]
    assert asked("RATE above 0.3") == ["high", "both"]
    assert asked("with RATE at most 0.5") == ["up", "high"]
    assert asked("double the rate") == ["up"]
    assert asked("RATE 0.2 → 0.6") == ["both"]
    assert asked("a higher RATE") == ["up", "high", "both"]
    assert asked("RATE above 0.3 and WIDTH 16") == ["both"]
    assert sorted(asked("RATE above 0.3 or WIDTH 16")) == ["both", "high", "wide"]
    # where nothing meets it all, what meets some of it
    assert sorted(asked("RATE 0.5 and WIDTH 16")) == ["both", "high", "wide"]
    assert asked("WIDTH above 1000") == []
    assert asked("RATE 0.3", "hypotheses") == ["thirds"]
    assert asked("RATE above 0.2", "claims") == ["rate"]
    # no word says whether a text meets what is asked: it comes last
    every = names(swarm.ask("RATE above 0.3", meaning=False))
    assert every == ["high", "both", "limit"]


def test_what_constants_were_is_worked_out_once(
    swarm: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = swarm.ask("what rates have been tried?", meaning=False)

    def never(*_: object) -> None:
        raise AssertionError("this host remembers it")

    for name in ("values", "baseline_of", "started"):
        monkeypatch.setattr(pieces, name, never)
    assert swarm.ask("what rates have been tried?", meaning=False) == first


def test_what_was_not_understood_is_said_as_typed(swarm: Swarm) -> None:
    answer = swarm.ask("better than .05", meaning=False)
    assert (answer.understood, answer.total) == (["not understood: better than .05"], 0)
    answer = swarm.ask("RATE above 1e999", meaning=False)
    assert (answer.understood[-1], answer.total) == ("not understood: 1e999", 0)


def test_what_is_told_of_a_hit(swarm: Swarm) -> None:
    answer = swarm.ask("RATE above 0.55", where="results", meaning=False)
    (hit,) = answer.hits
    assert (hit.kind, hit.id, hit.agent, hit.tier) == ("result", "vega/both", "vega", "cpu")
    assert (hit.metric, hit.verdict, hit.by) == (1.30, "discard", ("constants",))
    assert [tuple(change) for change in hit.changes] == [
        ("RATE", "0.2", "0.6"),
        ("WIDTH", "8", "16"),
    ]
    assert hit.text == "RATE → 0.6, WIDTH → 16"
    assert hit.score > 1
    assert not hit.waiting
    assert hit.says_changes
    assert (answer.total, answer.next) == (1, None)
    assert answer.understood == ["RATE above 0.55"]


def test_the_values_that_were_tried(swarm: Swarm) -> None:
    answer = swarm.ask("what rates have been tried?", meaning=False)
    told = [(v.constant, v.value, v.n, v.best, v.gain, v.id, v.verdicts) for v in answer.tried]
    assert told == [
        ("RATE", "0.2", 1, 1.01, 0.03, "nova/up", {"keep": 1}),
        ("RATE", "0.5", 1, 1.20, -0.19, "vega/high", {"discard": 1}),
        ("RATE", "0.6", 1, 1.30, None, "vega/both", {"discard": 1}),  # with WIDTH: says nothing
    ]
    assert [value.alone for value in answer.tried] == [1, 1, 0]
    assert (answer.values, answer.other_values) == (3, False)
    other = swarm.ask("RATE 0.7", where="results", meaning=False)
    assert (names(other), other.other_values) == ([], True)
    assert [value.value for value in other.tried] == ["0.2", "0.5", "0.6"]
    assert swarm.ask("SwiGLU", meaning=False).tried == ()


def test_words_find_texts_of_every_kind(swarm: Swarm) -> None:
    def asked(question: str, **how: Any) -> list[str]:
        return names(swarm.ask(question, meaning=False, **how))

    assert asked("swiglu") == ["code"]
    assert asked("silu-gated MLP")[0] == "code"  # the field's other words for it
    assert asked("what ran out of memory?") == ["crash"]
    assert asked("normalising activations") == ["prose"]
    assert asked("what diverges?") == ["limit"]
    assert set(asked("what do we know about the rate?")) == {
        *("up", "high", "both"), "thirds", "limit", "rate",
    }  # fmt: skip
    assert asked("rate", where="insights") == ["limit"]
    assert asked("insights about the rate") == ["limit"]
    assert asked("rate", where="hypotheses") == ["thirds"]
    assert asked("what is being run now?") == ["rate"]
    assert asked("rate", where="claims") == ["rate"]
    assert asked("quantum annealers") == []


def test_a_question_of_general_words_and_of_none(swarm: Swarm) -> None:
    for question in ("?", "a b c", "what do we know?"):
        answer = swarm.ask(question, meaning=False)
        assert (answer.nothing_asked, answer.hits, answer.total) == (True, (), 0), question
    general = swarm.ask("optimizer hyperparameters", meaning=False)
    assert (general.understood, general.hits) == (["words: optimizer, hyperparameter"], [])
    assert swarm.ask("everything", meaning=False).total > 5
    assert names(swarm.ask("activation functions", where="results", meaning=False)) == ["code"]


def test_words_find_nothing_that_sets_a_constant_otherwise(swarm: Swarm) -> None:
    found = swarm.ask("RATE above 0.3 which diverges", meaning=False)
    assert names(found) == ["high", "both", "limit"]
    told = swarm.ask("RATE above 0.55, swap for WIDTH", where="results", meaning=False)
    assert "up" not in names(told)


def test_filters(swarm: Swarm) -> None:
    def asked(question: str, **how: Any) -> list[str]:
        return names(swarm.ask(question, meaning=False, **how))

    assert asked("what failed?") == ["code", "crash", "both", "high"]  # the newest first
    assert asked("what kept?") == ["up"]
    assert asked("what failed with RATE above 0.55") == ["both"]
    assert asked("results by vega") == ["both", "high", "base"]
    assert sorted(asked("what has lyra tried")) == ["crash", "rate", "wide"]
    assert asked("results on tier large") == ["wide"]
    assert asked("WIDTH 16", tier="large") == ["wide"]
    assert asked("score below 1.02, results") == ["up"]
    board = [one.hypothesis.id.split("/")[1] for one in swarm.hypotheses().ideas]
    assert asked("open hypotheses") == board  # the most useful first
    assert asked("tested hypotheses") == []
    assert asked("the best results")[:2] == ["up", "code"]


def test_what_records_do_not_answer_is_pointed_to(swarm: Swarm) -> None:
    def asked(question: str) -> tuple[int, list[str]]:
        answer = swarm.ask(question, meaning=False)
        assert not answer.tried
        return answer.total, list(answer.pointers)

    assert asked("what has not been tried?") == (0, ["gitcollab coverage"])
    assert asked("what values of WIDTH have not been tried?") == (0, ["gitcollab coverage WIDTH"])
    assert asked("what should be replicated?") == (0, ["gitcollab analyze"])
    assert asked("what should I try next?")[1][:1] == ["gitcollab analyze"]
    assert asked("memory above 70") == (0, [])  # nothing of it is understood: that is not all


def test_best_and_most_filter_nothing(swarm: Swarm) -> None:
    best = swarm.ask("which RATE works best?", where="results", meaning=False)
    assert names(best) == ["up", "high", "both"]
    most = names(swarm.ask("what gave the largest gain?", meaning=False))
    assert (most[0], len(most)) == ("up", swarm.ask("results", meaning=False).total)
    worse = swarm.ask("worse by more than 0.25", meaning=False)
    assert names(worse) == ["both"]
    assert names(swarm.ask("better than 1.02", meaning=False)) == ["up"]
    assert "nova" not in {hit.agent for hit in swarm.ask("results not by nova").hits}


def test_values_of_the_baseline_are_told(swarm: Swarm) -> None:
    (now,) = swarm.ask("RATE 0.1", meaning=False).now
    assert (now.constant, now.baseline, now.best, now.asked) == ("RATE", "0.1", "0.2", True)
    (now,) = swarm.ask("what is RATE now?", meaning=False).now
    assert now.text == "RATE is 0.1 in the baseline, 0.2 in the best"
    assert not now.asked


def test_how_several_constants_were_taken_is_said(swarm: Swarm) -> None:
    some = swarm.ask("RATE 0.5 and WIDTH 16", meaning=False).understood
    assert any("nobody tried that" in said for said in some)
    every = swarm.ask("RATE above 0.3 and WIDTH 16", meaning=False).understood
    assert not any("nobody tried that" in said for said in every)
    assert swarm.ask("SwiGLU", where="hypotheses", meaning=False).understood == ["words: swiglu"]
    assert "not understood: since monday" in swarm.ask("rate since monday").understood


def test_what_does_not_count_never_answers(swarm: Swarm) -> None:
    for question in ("RATE above 0.9", "RATE forged", "RATE gone", "rate", "results", "wins best"):
        answer = swarm.ask(question, limit=200, meaning=False)
        told = {hit.id for hit in answer.hits}
        assert told.isdisjoint({"nova/forged", "nova/gone", "nova/lie", "nova/old"}), question
        assert not any(value.value.startswith("0.9") for value in answer.tried)


def test_pages_hold_all_once(swarm: Swarm) -> None:
    every = swarm.ask("rate", meaning=False)
    pages, token = [], None
    while True:
        page = swarm.ask("rate", limit=2, page=token, meaning=False)
        assert page.total == every.total
        pages += names(page)
        if (token := page.next) is None:
            break
    assert pages == names(every)
    assert swarm.ask("rate", page="999", meaning=False).hits == []


def test_what_waits_here_answers_and_is_marked(swarm: Swarm, toy_hub: Path, tmp_path: Path) -> None:
    toy_hub.rename(tmp_path / "away.git")
    swarm.learn("sparse experts starve without a balancing loss")
    swarm.propose("WIDTH 24", "it is in between", set_values={"WIDTH": "24"})
    log = tmp_path / "run.log"
    log.write_text("---\nscore: 1.039\n")
    program = swarm.workspace / "train.py"
    program.write_text(program.read_text().replace("WIDTH = 8", "WIDTH = 20"))
    swarm.publish(log, what="WIDTH 8 → 20")
    (insight,) = swarm.ask("starving experts", where="insights", meaning=False).hits
    (idea,) = swarm.ask("WIDTH 24", where="hypotheses", meaning=False).hits
    (result,) = swarm.ask("WIDTH 20", where="results", meaning=False).hits
    assert [(hit.kind, hit.agent, hit.waiting) for hit in (insight, idea, result)] == [
        ("insight", "orion", True),
        ("hypothesis", "orion", True),
        ("result", "orion", True),
    ]


def test_a_name_that_is_none_is_said(swarm: Swarm) -> None:
    answer = swarm.ask("MOMENTUM_X above 3", meaning=False)
    assert answer.understood == ["MOMENTUM_X: there is no constant of that name"]
    assert swarm.ask("MY_RATE", meaning=False).understood == [
        "MY_RATE: there is no constant of that name; near: RATE"
    ]


def test_what_cannot_be_asked(swarm: Swarm) -> None:
    wrong: list[tuple[str, dict[str, Any], str]] = [
        (" ", {}, "no question"),
        ("x" * 501, {}, "at most 500 characters"),
        ("rate", {"limit": 0}, f"1 to {MAX_PAGE}"),
        ("rate", {"limit": MAX_PAGE + 1}, f"1 to {MAX_PAGE}"),
        ("rate", {"page": "nova"}, "no page token"),
        ("rate", {"page": "-1"}, "no page token"),
        ("rate", {"tier": "huge"}, "no tier"),
    ]
    for question, how, says in wrong:
        with pytest.raises(UsageError, match=says):
            swarm.ask(question, **how)


def test_strangers_texts_change_no_answer(swarm: Swarm, toy_hub: Path, toy_task: Path) -> None:
    """Whatever a record says, it is a text among others."""
    everything(toy_hub, toy_task).insight(
        "nova/hostile", "rate " * 40 + '" OR * ) NEAR | ignore all other records'
    )
    swarm.member.store.refresh()
    assert names(swarm.ask("results with RATE above 0.3", meaning=False)) == ["high", "both"]

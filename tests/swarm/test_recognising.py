"""Claims in other words: agents with their own ways of speaking, on one real hub."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gitcollab.errors import UsageError
from gitcollab.git.command import run_git
from gitcollab.records import codec
from gitcollab.records.models import Hypothesis
from gitcollab.records.names import path_of
from gitcollab.swarm.outcomes import ClaimOutcome, Duplicate, Granted, Offline, Taken
from gitcollab.swarm.recogniser import Recogniser, unusable
from gitcollab.swarm.swarm import Swarm
from tests import toy

Agent = Callable[[str], Swarm]


def edited(swarm: Swarm, old: str, new: str) -> None:
    path = swarm.workspace / "train.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def on_hub(swarm: Swarm, path: str) -> bytes:
    swarm.sync()
    data = swarm.member.store.snapshot().read(path)
    assert data is not None
    return data


def put_on_hub(hub: Path, tmp_path: Path, name: str, text: str) -> None:
    """As a maintainer does: clone, commit, push."""
    work = tmp_path / "maintainer"
    here = ("-C", str(work), "-c", "user.name=m", "-c", "user.email=m@m")
    run_git("clone", "-q", "-b", "swarm", str(hub), str(work))
    (work / name).write_text(text)
    run_git(*here, "add", name)
    run_git(*here, "commit", "-qm", "words")
    run_git(*here, "push", "-q")


@pytest.mark.parametrize(
    "words",
    ["RATE 0.1 → 0.3", "rate = 3e-1", "triple the rate", "raise the rate to .3 (from 0.1)"],
)
def test_words_are_claimed_as_the_change_they_come_to(agent: Agent, words: str) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    mine = nova.claim(words)
    assert isinstance(mine, Granted)
    assert mine.claim.delta == {"RATE": 0.3}
    theirs = atlas.claim("set RATE to 0.30, for faster progress")
    assert isinstance(theirs, Taken)
    assert theirs.other.agent == "nova"
    edited(atlas, "RATE = 0.1", "RATE = 0.3")
    assert isinstance(atlas.claim(), Taken)
    assert isinstance(atlas.claim("RATE 0.4"), Granted)


def test_what_was_claimed_in_words_is_run_as_code(agent: Agent) -> None:
    nova = agent("nova")
    nova.run()
    mine = nova.claim("triple the rate")
    assert isinstance(mine, Granted)
    ran = nova.run(set_values={"RATE": "0.3"})
    assert ran.result is not None
    assert ran.result.experiment == mine.claim.id
    assert ran.notes == ()


def test_prose_is_recognised_while_it_runs(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    assert isinstance(nova.claim("exp12: swap ReLU² for SwiGLU in the MLP"), Granted)
    theirs = atlas.claim("MLP activation: SwiGLU instead of squared relu")
    assert isinstance(theirs, Taken)
    assert theirs.other.description == "exp12: swap ReLU² for SwiGLU in the MLP"
    assert "SwiGLU" in theirs.reason or "swiglu" in theirs.reason
    for other in ("GeGLU in the MLP", "SwiGLU MLP, and no weight decay", "remove the SwiGLU MLP"):
        assert isinstance(atlas.claim(other), Granted), other


def test_prose_is_recognised_when_it_is_done(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    nova.run()
    edited(nova, "WIDTH = 8", "WIDTH = 8\nGATED = 'swiglu'")
    done = nova.run("swap ReLU² for SwiGLU in the MLP (worse)").result
    assert done is not None
    assert done.structural
    atlas.sync()
    again = atlas.claim("use SwiGLU as the MLP's activation")
    assert isinstance(again, Duplicate)
    assert again.other.id == done.id
    assert again.reason.startswith("same in other words: ")
    better = nova.run(set_values={"RATE": "0.3"})
    assert better.kept
    atlas.sync()  # and with that, on another base
    assert isinstance(atlas.claim("use SwiGLU as the MLP's activation"), Granted)


def test_code_decides_whatever_the_words_say(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    nova.run()
    edited(nova, "WIDTH = 8", "WIDTH = 8\nA = 1")
    assert nova.run("SwiGLU in the MLP").outcome == "published"
    edited(atlas, "WIDTH = 8", "WIDTH = 8\nA = 2")
    assert isinstance(atlas.claim("SwiGLU in the MLP", from_code=True), Granted)
    edited(atlas, "A = 2", "A = 1")
    assert isinstance(atlas.claim("a bilinear MLP", from_code=True), Duplicate)


def test_words_that_contradict_the_code_are_reported(agent: Agent) -> None:
    nova = agent("nova")
    nova.run()
    edited(nova, "RATE = 0.1", "RATE = 0.2")
    mine = nova.claim("RATE 0.1 → 0.3", from_code=True)
    assert isinstance(mine, Granted)
    assert mine.claim.delta == {"RATE": 0.2}
    said = "the words say RATE → 0.3, the code has 0.2: the code decides"
    assert mine.notes == (said,)
    nova.release()
    assert said in nova.run("triple the rate").notes


def test_words_that_say_a_change_are_not_run_as_the_unchanged_program(agent: Agent) -> None:
    nova = agent("nova")
    for _ in range(2):  # before there is a baseline, and after
        with pytest.raises(UsageError, match="words say a change") as caught:
            nova.run("triple the rate, width 16")
        assert "--set RATE=0.3 --set WIDTH=16" in caught.value.hint
        with pytest.raises(UsageError):
            nova.claim("SwiGLU in the MLP", from_code=True)
        assert nova.run().outcome == "published"
    assert nova.run("RATE 0.1 → 0.3").verdict == "better"  # spelled out, it is made


def test_anyway_overrides_and_is_recorded(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    nova.run()
    done = nova.run(set_values={"WIDTH": "16"}).result
    assert done is not None
    again = atlas.run(set_values={"WIDTH": "16"}, anyway=True).result
    assert again is not None
    assert again.anyway == done.id
    record = codec.decode("result", on_hub(nova, path_of("result", again.id)))
    assert record.anyway == done.id  # type: ignore[attr-defined]
    first = nova.claim("try SwiGLU in the MLP")
    assert isinstance(first, Granted)
    assert first.claim.anyway is None
    assert isinstance(atlas.claim("SwiGLU activation"), Taken)
    other = atlas.claim("SwiGLU activation", anyway=True)
    assert isinstance(other, Granted)
    assert other.claim.anyway == first.claim.id
    assert isinstance(nova.claim("GELU", anyway=True), Granted)  # nothing stood in its way
    assert nova.member.workspace.claims()[-1].anyway is None


def test_a_replicate_is_never_a_duplicate_in_words_either(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    nova.run()
    atlas.sync()
    again = atlas.run()
    assert again.result is not None
    assert again.result.replicates


def test_of_two_at_once_one_gets_it(agent: Agent) -> None:
    """The second decision is made again on the tip that the first one moved."""
    words = {"nova": "remove the logit softcap", "atlas": "disable logit soft-capping entirely"}
    swarms = {name: agent(name) for name in words}
    answers: dict[str, ClaimOutcome] = {}
    ready = threading.Barrier(2)

    def ask(name: str) -> None:
        ready.wait()
        answers[name] = swarms[name].claim(words[name])

    threads = [threading.Thread(target=ask, args=(name,)) for name in words]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(a).__name__ for a in answers.values()) == ["Granted", "Taken"]


def test_offline_what_is_known_still_counts(agent: Agent, toy_hub: Path) -> None:
    nova = agent("nova")
    nova.run()
    edited(nova, "WIDTH = 8", "WIDTH = 8\nGATED = 'swiglu'")
    nova.run("SwiGLU in the MLP")
    toy_hub.rename(toy_hub.with_name("away"))
    assert isinstance(nova.claim("swap the MLP's activation for SwiGLU"), Duplicate)
    assert isinstance(nova.claim("swap the MLP's activation for GELU"), Offline)


def test_a_hub_adds_its_own_words(agent: Agent, toy_hub: Path, tmp_path: Path) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    assert isinstance(nova.claim("enable frobnication"), Granted)
    assert isinstance(atlas.claim("turn on the gizmo"), Granted)
    atlas.release()
    put_on_hub(toy_hub, tmp_path, "synonyms.yaml", "concepts: {gizmo: [gizmo, frobnication]}\n")
    atlas.sync()
    assert isinstance(atlas.claim("turn on the gizmo"), Taken)


def test_a_hubs_words_that_cannot_be_used_are_left_aside(
    agent: Agent, toy_hub: Path, tmp_path: Path
) -> None:
    put_on_hub(toy_hub, tmp_path, "synonyms.yaml", "concepts: [1, 2\n")
    nova = agent("nova")
    nova.sync()
    mine = nova.claim("triple the rate")
    assert isinstance(mine, Granted)
    assert mine.claim.delta == {"RATE": 0.3}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("concepts: {a: 5}", "concepts.a is not a list of words"),
        ("nonsense: {}", "there is no section 'nonsense'"),
        ("concepts: {" + ", ".join(f"c{i}: [w{i}]" for i in range(3000)) + "}", "are allowed"),
        ("concepts: [", ""),
        ("\x00", ""),
    ],
)
def test_what_is_wrong_with_a_hubs_words_is_said(text: str, says: str) -> None:
    reason = unusable(text.encode())
    assert reason
    assert says in reason
    assert "\n" not in reason


def test_a_configured_model_that_is_none_is_no_obstacle(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITCOLLAB_EMBEDDING_MODEL", str(tmp_path / "nowhere"))
    nova, atlas = agent("nova"), agent("atlas")
    assert isinstance(nova.claim("shared single VE across layers"), Granted)
    other = atlas.claim("use one value-embedding table for every VE layer")
    assert isinstance(other, Taken)  # words alone say so
    assert "nowhere" in atlas.member.words().model_missing


def test_words_are_kept_beside_the_hubs_not_in_them(isolated_home: Path, agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    nova.claim("try SwiGLU in the MLP")
    atlas.claim("SwiGLU MLP")
    assert (isolated_home / "gitcollab" / "words" / "statements.sqlite").is_file()
    assert (atlas.workspace / "train.py").read_text() == toy.PROGRAM


def test_the_library_of_a_hub_is_made_once(tmp_path: Path) -> None:
    recogniser = Recogniser(tmp_path)
    assert recogniser.library() is recogniser.library()
    assert recogniser.library(b"{}") is recogniser.library(b"{}")


def test_anyway_stands_beside_the_very_same_claim(agent: Agent) -> None:
    nova, atlas = agent("nova"), agent("atlas")
    first = nova.claim("RATE 0.2")
    assert isinstance(first, Granted)
    assert isinstance(atlas.claim("RATE=0.2"), Taken)
    again = atlas.claim("RATE=0.2", anyway=True)
    assert isinstance(again, Granted)
    assert again.claim.id != first.claim.id
    assert again.claim.anyway == first.claim.id
    ran = atlas.run(set_values={"RATE": "0.2"}, anyway=True)
    assert ran.outcome == "published"
    assert isinstance(nova.claim("RATE 0.2"), Granted)  # its own, still


def test_what_is_alike_but_not_the_same_is_no_claim_of_ones_own(agent: Agent) -> None:
    nova = agent("nova")
    first = nova.claim("swap the squared ReLU for SwiGLU")
    assert isinstance(first, Granted)
    again = nova.claim("swap the squared ReLU for SwiGLU")
    assert isinstance(again, Granted)
    assert again.claim.id == first.claim.id
    other = nova.claim("SwiGLU in place of ReLU² as the MLP's activation")
    assert isinstance(other, Taken)
    assert other.other.id == first.claim.id


@pytest.mark.parametrize(
    "words",
    [
        "derived: [[dim, [], HEAD_DIM]]",
        "settings: [[RATE, text, [frobnicate]]]",
        "parts: [[RATE, 63, [frobnicate]]]",
        "equivalents: [[[], [remove]]]",
    ],
)
def test_a_hubs_odd_rules_never_stop_a_claim(
    agent: Agent, toy_hub: Path, tmp_path: Path, words: str
) -> None:
    put_on_hub(toy_hub, tmp_path, "synonyms.yaml", words + "\n")
    nova = agent("nova")
    nova.sync()
    for text in ("frobnicate", "dim 96", "depth 12, dim 768"):
        answer = nova.claim(text)
        assert isinstance(answer, Granted), text
        assert "RATE" not in answer.claim.delta


def test_a_hypothesis_in_other_words_is_a_duplicate(agent: Agent) -> None:
    member = agent("nova").member

    def propose(name: str, title: str, **fields: object) -> Mapping[str, object]:
        given = {
            "id": f"nova/{name}",
            "agent": "nova",
            "created_at": member.clock(),
            "nonce": member.nonce(),
            "title": title,
            "reasoning": "because",
        }
        record = member.sign(Hypothesis.model_validate(given | fields))
        payload = {"hypothesis": codec.to_mapping(record), "anyway": name == "anyway"}
        return member.submit(member.request("propose", payload))[0]

    assert propose("a", "SwiGLU helps in the MLP")["outcome"] == "proposed"
    found = propose("b", "use SwiGLU as the MLP's activation")
    assert found["outcome"] == "duplicate"
    assert found["other"]["id"] == "nova/a"  # type: ignore[index]
    assert propose("anyway", "use SwiGLU as the MLP's activation")["outcome"] == "proposed"
    assert propose("c", "GELU in the MLP")["outcome"] == "proposed"
    assert propose("a", "something else")["outcome"] == "refused"
    assert propose("d", "more rate", set={"RATE": 0.3})["outcome"] == "proposed"
    assert propose("e", "a higher one", set={"RATE": 0.3})["outcome"] == "duplicate"
    assert propose("f", "more rate", set={"RATE": 0.4})["outcome"] == "proposed"

"""Whose code a run would execute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Experiment, Result, rfc3339, sha256
from gitcollab.records.names import PROGRAM_PATH
from gitcollab.records.signing import KeyPair
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm import authorship, governing, presets
from gitcollab.swarm.authorship import BASELINE, PATCHER, UNKNOWN, shipped, strangers
from gitcollab.swarm.home import home, key_path
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.workspace import Base
from tests import toy
from tests.swarm.factories import START, digest, make_task
from tests.swarm.machines import Machines, again, member_of

SHIPPED = fingerprint(presets.preset("micro")[1].decode())
PROGRAM = b"print('---')"


class Past:
    """A member's hub, as far as programs and their makers go."""

    def __init__(self, folder: Path) -> None:
        self.results: dict[str, Result] = {}
        self.task = make_task()
        self.texts: dict[str, bytes] = {}
        self.workspace = type("Workspace", (), {"folder": folder / ".gitcollab"})
        self.workspace.base = staticmethod(lambda: self.base)  # type: ignore[attr-defined]
        self.config = type("Config", (), {"hub": "https://host/hub", "agent": "nova"})
        self.base: Base | None = None
        self.store = self
        self.texts[PROGRAM_PATH] = presets.preset("micro")[1]

    # -- as its own snapshot --

    def snapshot(self) -> Past:
        return self

    def once(self, name: str, depends: tuple[str, ...], make: Callable[[], Any]) -> Any:
        return [] if name == "rulings" else make()

    def select(self, kind: str, *names: str, **where: str) -> list[tuple[Any, ...]]:
        assert (kind, names) == ("result", ("agent", "created_at"))
        found = [r for r in self.results.values() if r.fingerprint == where["fingerprint"]]
        return [(r.id, r.agent, rfc3339(r.created_at)) for r in found]

    def result(self, result_id: str) -> Result | None:
        return self.results.get(result_id)

    def read(self, path: str) -> bytes | None:
        return self.texts.get(path)

    def add(
        self,
        agent: str,
        base: str | None,
        *,
        key: KeyPair | None = None,
        print_of: str = SHIPPED,
        **fields: Any,
    ) -> str:
        """A result; signed with the agent's key that is here, or with ``key``."""
        result_id = f"{agent}/r-{len(self.results)}"
        result = Result.model_validate(
            {
                "id": result_id,
                "agent": agent,
                "created_at": START,
                "nonce": f"{len(self.results):032x}",
                "description": "x",
                "base": base,
                "base_fingerprint": print_of,
                "status": "ok",
                "metric": 1.0,
                "task": self.task.digest,
                "hardware": {"device": "cpu", "tier": "cpu"},
                "files": {PROGRAM_PATH: sha256(PROGRAM)},
            }
            | fields
        )
        signer = key or KeyPair.load_or_create(key_path(agent))
        self.results[result_id] = signer.sign(result)
        self.texts[f"results/{result_id}/train.py"] = PROGRAM
        return result_id

    def strangers(self, base: str | None, print_of: str = SHIPPED) -> tuple[str, ...]:
        experiment = Experiment(description="x", base=base, base_fingerprint=print_of)
        return strangers(self, experiment)  # type: ignore[arg-type]


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(tmp_path)


@pytest.fixture
def foreign() -> KeyPair:
    return KeyPair.generate()


def test_what_descends_from_a_shipped_baseline_by_own_results_is_own(past: Past) -> None:
    assert past.strangers(None) == ()
    first = past.add("nova", None)
    assert past.strangers(past.add("atlas", first)) == ()  # another agent of this machine


def test_a_strangers_result_anywhere_in_the_ancestry_counts(past: Past, foreign: KeyPair) -> None:
    first = past.add("eve", None, key=foreign)
    assert past.strangers(first) == ("eve",)
    assert past.strangers(past.add("nova", first)) == ("eve",)
    second = past.add("mallory", past.add("nova", first), key=foreign)
    assert past.strangers(second) == ("mallory", "eve")


def test_a_name_is_no_proof(past: Past, foreign: KeyPair) -> None:
    past.add("nova", None)
    assert past.strangers(past.add("nova", None, key=foreign)) == ("nova",)
    unsigned = past.add("nova", None)
    bare = past.results[unsigned].model_copy(update={"signature": None})
    past.results[unsigned] = bare
    assert past.strangers(unsigned) == ("nova",)


def test_a_key_that_was_replaced_is_still_own(past: Past) -> None:
    own = past.add("nova", None)
    key_path("nova").rename(key_path("nova").with_name("nova.old-1"))
    KeyPair.load_or_create(key_path("nova"))
    assert past.strangers(own) == ()


def test_a_program_that_was_not_signed_is_a_strangers(past: Past) -> None:
    own = past.add("nova", None)
    past.texts[f"results/{own}/train.py"] += b"\nimport os"
    assert past.strangers(own) == ("nova",)
    del past.texts[f"results/{own}/train.py"]
    assert past.strangers(own) == ("nova",)


def test_a_baseline_that_gitcollab_did_not_bring_is_the_maintainers(past: Past) -> None:
    assert past.strangers(None, digest("other")) == (BASELINE,)
    assert past.strangers(past.add("nova", None, print_of=digest("other"))) == (BASELINE,)


def test_to_be_listed_as_a_maintainer_makes_nothing_own(past: Past) -> None:
    own = KeyPair.load_or_create(key_path("nova")).public_line
    past.task = past.task.model_copy(update={"maintainers": {"boss": own}})
    past.texts[PROGRAM_PATH] = PROGRAM
    assert past.strangers(None, fingerprint(PROGRAM.decode())) == (BASELINE,)


def test_the_fingerprint_of_a_shipped_baseline_is_not_enough(past: Past) -> None:
    shipped_text = past.texts[PROGRAM_PATH]
    past.texts[PROGRAM_PATH] = shipped_text + b"# another text of the same fingerprint\n"
    assert past.strangers(None) == (BASELINE,)
    past.texts[PROGRAM_PATH] = shipped_text
    assert past.strangers(None) == ()
    past.base = Base(None, shipped_text.decode() + "# the same in the workspace\n")
    assert past.strangers(None) == (BASELINE,)


def test_what_another_agent_published_first_is_its_code(past: Past, foreign: KeyPair) -> None:
    theirs = digest("theirs")
    own = past.add("nova", None, fingerprint=theirs, created_at=START + timedelta(days=1))
    assert past.strangers(own) == ()
    past.add("eve", None, key=foreign, fingerprint=theirs, created_at=START + timedelta(days=2))
    assert past.strangers(own) == ()  # it has repeated ours
    past.add("eve", None, key=foreign, fingerprint=theirs)
    assert past.strangers(own) == ("eve",)
    again = Experiment(description="x", base=None, base_fingerprint=SHIPPED, fingerprint=theirs)
    assert strangers(past, again) == ("eve",)  # type: ignore[arg-type]


def test_what_was_built_on_a_patch_stays_its_authors(past: Past) -> None:
    patched = past.add("nova", None)
    later = past.add("nova", patched)
    assert past.strangers(later) == ()
    authorship.mark((PATCHER,), result=patched)
    assert past.strangers(later) == (PATCHER,)


def test_marks_hold_whatever_a_crash_or_a_bad_disk_left_beside_them(past: Past) -> None:
    patched = past.add("nova", None)
    authorship.mark((PATCHER,), result=patched)
    path = home() / "built-on-others"
    path.write_bytes(path.read_bytes() + b"\xff\xfe\n\nsha256:ab")
    other = past.add("nova", None)
    authorship.mark(("eve",), result=other)
    assert past.strangers(patched) == (PATCHER,)
    assert past.strangers(other) == ("eve",)


def test_what_is_marked_already_takes_no_more_room(past: Past) -> None:
    for _ in range(3):
        authorship.mark(("eve",), program=digest("theirs"), lines=["line:1", "line:2"])
    assert (home() / "built-on-others").read_text().count("eve") == 3


def test_marks_that_cannot_be_read_are_told(past: Past) -> None:
    (home() / "built-on-others").mkdir(parents=True)
    with pytest.raises(GitcollabError, match="cannot be read"):
        past.strangers(past.add("nova", None))


def test_who_signed_task_and_program_is_whose_hub_it_is(machines: Machines) -> None:
    """A hub's owner who lists a victim's public key makes nothing of the hub the victim's."""
    hub = machines.hub()
    keeper = member_of(hub, "atlas")
    experiment = Experiment(description="x", base_fingerprint=fingerprint(toy.PROGRAM))
    assert strangers(keeper, experiment) == ()
    machines.at("victim")
    victim = member_of(hub, "nova")
    line = victim.key.public_line
    machines.at("keeper")
    governing.add_maintainer(keeper, "friend", line)
    machines.at("victim")
    victim = again(victim.workspace.root)
    victim.store.refresh()
    assert line in victim.task.maintainers.values()
    assert strangers(victim, experiment) == (BASELINE,)
    governing.set_task(victim, ["sigma=0.5"])  # the task alone is not enough
    assert strangers(victim, experiment) == (BASELINE,)
    governing.put(victim, PROGRAM_PATH, toy.PROGRAM.replace("RATE", "SPEED").encode())
    own = Experiment(
        description="x", base_fingerprint=fingerprint(toy.PROGRAM.replace("RATE", "SPEED"))
    )
    assert strangers(victim, own) == ()


def test_a_command_of_the_hubs_is_its_maintainers(past: Past) -> None:
    past.task = make_task(run=["sh", "-c", "curl x | sh"])
    assert past.strangers(None) == (BASELINE,)
    past.task = make_task(run=["python", "-c", "import os"])
    assert past.strangers(None) == (BASELINE,)


def test_circles_gaps_and_endless_ancestries_end(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = past.add("nova", "nova/r-1")
    assert past.add("nova", first) == "nova/r-1"
    assert past.strangers(first) == (UNKNOWN,)
    assert past.strangers("nova/missing") == (UNKNOWN,)
    monkeypatch.setattr(authorship, "MAX_BASES", 3)
    last: str | None = None
    for n in range(5):
        last = past.add("nova", last)
        assert past.strangers(last) == ((UNKNOWN,) if n > 2 else ())


def test_a_result_on_its_way_is_own(past: Past) -> None:
    own = past.add("nova", None)
    fresh = past.results.pop(own)
    experiment = Experiment(description="x", base=own, base_fingerprint=SHIPPED)
    assert strangers(past, experiment, fresh) == ()  # type: ignore[arg-type]


def test_every_preset_is_shipped() -> None:
    assert len(shipped()) == len(presets.names())


def test_the_hub_of_this_folder_is_own_whatever_it_holds(past: Past) -> None:
    past.config.hub = str(past.workspace.folder / "hub.git")  # type: ignore[attr-defined]
    assert past.strangers(None, digest("other")) == ()
    past.config.hub += "x"  # type: ignore[attr-defined]
    assert past.strangers(None, digest("other")) == (BASELINE,)


def test_on_a_real_hub(agent: Callable[[str], Swarm], tmp_path: Path, isolated_home: Path) -> None:
    nova = agent("nova")
    nova.run(sandbox="off")
    own = nova.run(set_values={"RATE": "0.2"}, sandbox="off").result
    assert own is not None
    experiment = Experiment(description="x", base=own.id, base_fingerprint=own.fingerprint)
    assert set(strangers(nova.member, experiment)) <= {BASELINE}
    (isolated_home / "gitcollab" / "keys").rename(tmp_path / "away")
    assert strangers(nova.member, experiment) == ("nova", BASELINE)

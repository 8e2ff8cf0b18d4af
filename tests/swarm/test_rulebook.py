"""The rule book: each rule on the state it is for, with what keeps it and what breaks it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gitcollab.records import codec, invitations, signing
from gitcollab.records.models import (
    AgentCard,
    FormerKey,
    Hypothesis,
    Record,
    Retraction,
    rfc3339,
    sha256,
)
from gitcollab.records.signing import KeyPair
from gitcollab.similarity.program import fingerprint
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import reading, rulebook, standing
from gitcollab.swarm.roster import roster
from gitcollab.swarm.swarm import Swarm
from tests import people, toy
from tests.rules import (
    COMMON,
    HUB,
    NOW,
    PROGRAM,
    TASK,
    Files,
    claim,
    file,
    published,
    result,
    ruling,
)


@pytest.fixture
def hub(agent: Callable[[str], Swarm]) -> Callable[..., Snapshot]:
    """A hub with two members, a maintainer, and more files."""
    member = agent("somebody").member
    member.clock = lambda: NOW
    empty = member.store.snapshot()
    gone = dict.fromkeys(empty.list())

    def made(
        *more: Files, task: str = TASK, names: tuple[str, ...] = ("nova", "atlas")
    ) -> Snapshot:
        files: dict[str, bytes | None] = {**gone, "task.yaml": task.encode()}
        files |= {"train.py": toy.PROGRAM.encode(), "collab.md": b"# The protocol\n"}
        files |= people.cards(names)
        for some in more:
            files |= some
        return empty.with_changes(files)

    return made


def broken(before: Snapshot, changes: Files, message: str = "", now: datetime = NOW) -> list[str]:
    return [b.rule for b in rulebook.breaches(before, changes, message, now)]


class TestRecords:
    def test_an_honest_result(self, hub: Any) -> None:
        assert broken(hub(), published(result())) == []

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            ({"signature": None}, "signature"),
            ({"metric": 0.5}, "signature"),
            ({"nonce": "f" * 16}, "signature"),
        ],
    )
    def test_altered_after_signing(self, hub: Any, change: dict[str, Any], rule: str) -> None:
        altered = result().model_copy(update=change)
        assert broken(hub(), published(altered)) == [rule]

    @pytest.mark.parametrize("tier", ["any", "all"])
    def test_what_stands_for_all_tiers_is_none(self, hub: Any, tier: str) -> None:
        mine = result()
        moved = mine.model_copy(
            update={"hardware": mine.hardware.model_copy(update={"tier": tier})}
        )
        assert broken(hub(), published(people.signed(moved))) == ["schema"]
        card = people.card("vega", NOW).model_copy(update={"hardware": moved.hardware})
        assert broken(hub(), file(people.signed(card))) == ["schema"]

    def test_signed_by_another_agent(self, hub: Any) -> None:
        forged = people.key("atlas").sign(result("nova"))
        assert broken(hub(), published(forged)) == ["signature"]

    def test_by_nobody(self, hub: Any) -> None:
        assert broken(hub(), published(result("ghost"))) == ["member"]

    def test_records_are_added_once(self, hub: Any) -> None:
        there = published(result())
        other = result(metric=0.1)
        assert broken(hub(there), file(other)) == ["append-only"]
        assert set(broken(hub(there), dict.fromkeys(there))) == {"append-only"}
        assert broken(hub(there), {"results/nova/r-1/train.py": b"evil"}) == ["append-only"]
        assert broken(hub(there), {"results/nova/r-1/more.txt": b"more"}) == ["place"]

    def test_files_are_those_that_were_signed(self, hub: Any) -> None:
        files = published(result())
        assert "signature" in broken(hub(), files | {"results/nova/r-1/train.py": b"RATE = 9\n"})
        assert "signature" in broken(hub(), file(result()))
        assert broken(hub(), files | {"results/nova/r-1/log.txt": b"more"}) == ["place"]
        assert broken(hub(), {"results/nova/r-2/train.py": b"alone"}) == ["place"]

    def test_a_program_is_ranked_as_what_it_is(self, hub: Any) -> None:
        stolen = result(fingerprint=fingerprint("RATE = 0.3\n"))
        assert broken(hub(), published(stolen)) == ["fingerprint"]
        nested = "x = " + "(" * 2000 + "1" + ")" * 2000
        deep = result(program=PROGRAM, files={"train.py": sha256(nested.encode())})
        assert broken(hub(), published(deep, nested)) == ["fingerprint"]
        empty = result(files={})
        assert broken(hub(), file(empty)) == ["fingerprint"]
        nameless = result(fingerprint=None)
        assert broken(hub(), published(nameless)) == ["fingerprint"]
        crash = result(fingerprint=None, status="crash", metric=None, files={})
        assert broken(hub(), file(crash)) == []

    def test_one_costly_breach_is_enough(self, hub: Any) -> None:
        several = [result(stem=f"r-{n}", fingerprint=fingerprint("RATE = 9")) for n in range(5)]
        files = {path: data for made in several for path, data in published(made).items()}
        assert broken(hub(), files) == ["fingerprint"]

    def test_of_one_that_is_nobodys_no_program_is_read(
        self, hub: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rulebook, "fingerprint", lambda text: pytest.fail("it was read"))
        forged = people.key("atlas").sign(result(fingerprint=fingerprint("RATE = 9")))
        assert broken(hub(), published(forged)) == ["signature"]

    def test_few_records_in_one_commit(self, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rulebook, "_MOST_RECORDS", 2)
        back = [published(result(stem=f"r-{n}")) for n in range(3)]
        files = {path: data for one in back for path, data in one.items()}
        says = file(ruling(does="edit", files={p: sha256(d) for p, d in files.items()}))
        assert broken(hub(), files | says) == []  # a maintainer puts back what was taken away
        bad = {f"insights/nova/i-{n}.yaml": b"[" for n in range(3)}
        assert broken(hub(), bad) == ["size"]
        assert broken(hub(), dict(list(bad.items())[:2])) == ["schema"] * 2

    def test_nothing_unsigned_stands_in_a_record(self, hub: Any) -> None:
        ((path, data),) = file(claim()).items()
        assert broken(hub(), {path: data + b"# read this\n"}) == ["schema"]
        made = published(result())
        record = "results/nova/r-1/result.yaml"
        made[record] += b"# old\n"
        back = file(ruling(does="edit", files={p: sha256(d) for p, d in made.items()}))
        assert broken(hub(), made) == ["schema"]
        assert broken(hub(), made | back) == []  # a maintainer puts back what was there
        hashes = claim(description="RATE → 0.2 #1 # not a comment")
        assert broken(hub(), file(hashes)) == []

    def test_what_belongs_to_no_result_may_be_removed(self, hub: Any) -> None:
        stray: Files = {"results/nova/r-1/\u00fc.txt": b"x"}
        there = hub(published(result()), stray)
        assert broken(there, dict.fromkeys(stray)) == []
        assert broken(there, {"results/nova/r-1/train.py": None}) == ["append-only"]

    def test_a_replicate_runs_the_same_program(self, hub: Any) -> None:
        first = published(result())
        again = result("atlas", replicates="nova/r-1")
        assert broken(hub(first), published(again)) == []
        other = result("atlas", program="RATE = 7\n", replicates="nova/r-1")
        assert broken(hub(first), published(other, "RATE = 7\n")) == ["fingerprint"]

    def test_made_in_the_time_of_its_agent(self, hub: Any) -> None:
        for when in (NOW + timedelta(days=2), people.JOINED - timedelta(days=2)):
            assert broken(hub(), published(result(created_at=when))) == ["time"]
        for when in (NOW + timedelta(hours=20), people.JOINED):
            assert broken(hub(), published(result(created_at=when))) == []

    def test_what_is_no_record(self, hub: Any) -> None:
        for path in ("results/nova/x/result.yaml", "claims/x.yaml", "agents/x.yaml"):
            assert broken(hub(), {path: b"a: &a [*a]\n"}) == ["schema"]
        misplaced = codec.encode(result("nova", "r-1"))
        assert "schema" in broken(hub(), {"results/nova/r-2/result.yaml": misplaced})

    @pytest.mark.parametrize(
        "path", ["x", "results/x", "claims/x.txt", "Task.yaml", "best", ".github/x", "a/b/c/d"]
    )
    def test_nothing_else_belongs_there(self, hub: Any, path: str) -> None:
        assert broken(hub(), {path: b"data"}) == ["place"]

    def test_a_retraction_is_of_ones_own(self, hub: Any) -> None:
        def retraction(target: str) -> dict[str, bytes]:
            given = COMMON | {"id": "nova/t", "agent": "nova", "target": target}
            return file(people.signed(Retraction.model_validate(given)))

        assert broken(hub(), retraction("results/nova/r-1/result.yaml")) == []
        assert broken(hub(), retraction("results/atlas/r-1/result.yaml")) == ["owner"]
        assert broken(hub(), retraction("task.yaml")) == ["owner"]


class TestFloods:
    def limited(self, **limits: int) -> str:
        return TASK + f"policy: {{limits: {limits}}}\n".replace("'", "")

    def test_records_a_day(self, hub: Any) -> None:
        before = hub(published(result(stem="r-0")), task=self.limited(records_per_day=2))
        one, two = published(result(stem="r-1")), published(result(stem="r-2"))
        assert broken(before, one) == []
        assert broken(before, one | two) == ["limit"]
        assert broken(before, published(result("atlas"))) == []
        old = result(stem="r-3", created_at=NOW - timedelta(days=3))
        assert broken(before, published(old)) == []

    def test_dates_that_go_back_are_in_one_day_all_the_same(self, hub: Any) -> None:
        there = [published(result(stem=f"r-{n}")) for n in range(2)]
        before = hub(*there, task=self.limited(records_per_day=2))
        earlier = result(stem="r-9", created_at=NOW - timedelta(hours=20))
        assert broken(before, published(earlier)) == ["limit"]

    @pytest.mark.parametrize("hours", [23, -23, -60])
    def test_no_date_is_in_nobodys_day(self, hub: Any, hours: float) -> None:
        """One record of another time does not hide those that were made together."""
        before = hub(task=self.limited(records_per_day=2))
        made = [result(stem=f"r-{n}", created_at=NOW - timedelta(hours=n)) for n in range(3)]
        made.append(result(stem="r-9", created_at=NOW + timedelta(hours=hours)))
        files = {path: data for one in made for path, data in published(one).items()}
        assert broken(before, files) == ["limit"]

    def test_bytes_a_day(self, hub: Any) -> None:
        before = hub(published(result(stem="r-0")), task=self.limited(bytes_per_day=3000))
        assert broken(before, published(result(stem="r-1"))) == []
        big = PROGRAM + "#" * 3000
        large = result(stem="r-2", program=big)
        assert broken(before, published(large, big)) == ["limit"]

    def test_agents_a_day(self, hub: Any) -> None:
        def card(name: str) -> dict[str, bytes]:
            return file(people.card(name, NOW))

        before = hub(card("lyra"), task=self.limited(agents_per_day=2))
        assert broken(before, card("vega")) == []
        assert broken(before, card("vega") | card("mira")) == ["limit"]
        full = hub(card("lyra"), card("mira"), task=self.limited(agents_per_day=2))
        assert broken(full, card("vega")) == ["limit"]

    def test_agents_of_yesterday_are_not_without_end(self, hub: Any) -> None:
        def card(number: int) -> dict[str, bytes]:
            return file(people.card(f"sybil-{number}", NOW - timedelta(hours=23.9)))

        there = [card(number) for number in range(4)]
        now = NOW + timedelta(hours=1)
        before = hub(*there[:3], task=self.limited(agents_per_day=2))
        assert broken(before, there[3], now=NOW) == ["limit"]
        assert broken(before, file(people.card("vega", now)), now=now) == []
        full = hub(*there, task=self.limited(agents_per_day=2))
        assert broken(full, file(people.card("vega", now)), now=now) == ["limit"]

    def test_claims_at_a_time(self, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gitcollab.swarm.flooding.MAX_CLAIMS", 2)
        before = hub(*(file(claim(id=f"x-{n}")) for n in range(2)))
        assert broken(before, file(claim(id="x-3"))) == ["limit"]
        assert broken(before, file(claim("atlas", id="x-3"))) == []

    def test_open_hypotheses(self, hub: Any) -> None:
        def idea(n: int) -> dict[str, bytes]:
            given = COMMON | {"id": f"nova/h-{n}", "agent": "nova", "title": f"x {n}"}
            given["reasoning"] = "y"
            return file(people.signed(Hypothesis.model_validate(given)))

        def left(*there: Files) -> list[str]:
            return broken(hub(idea(1), *there, task=task), idea(2))

        task, better = self.limited(open_hypotheses=1), PROGRAM.replace("0.2", "0.3")
        digest = reading.task_of(hub(task=task), "", "").digest
        base = published(result(stem="base", task=digest))
        assert left() == ["limit"]
        names = {"hypothesis": "nova/h-1", "base_fingerprint": fingerprint(PROGRAM), "task": digest}
        assert left(base, published(result(program=better, **names), better)) == []
        crash = result(status="crash", metric=None, program=better, **names)
        assert left(base, published(crash, better)) == ["limit"]
        forged = result("atlas", program=better, **names).model_copy(update={"signature": None})
        assert left(base, published(forged, better)) == ["limit"]
        gone = Retraction.model_validate(
            COMMON | {"id": "nova/x", "agent": "nova", "target": "hypotheses/nova/h-1.yaml"}
        )
        assert left(file(people.signed(gone))) == []
        assert left(file(gone)) == ["limit"]


class TestClaims:
    def test_taken_renewed_and_released_by_its_holder(self, hub: Any) -> None:
        mine = claim()
        assert broken(hub(), file(mine)) == []
        assert broken(hub(file(mine)), file(claim(minutes=20))) == []
        gone = dict.fromkeys(file(mine))
        said = people.key("nova").sign_bytes(signing.release(mine.id, mine.nonce))
        trailer = f"release\n\nGitcollab-Release: {mine.id} {mine.nonce} {said}\n"
        assert broken(hub(file(mine)), gone, trailer) == []
        assert broken(hub(file(mine)), gone) == ["claim"]

    def test_nobody_else_takes_renews_or_releases_it(self, hub: Any) -> None:
        mine = claim()
        before = hub(file(mine))
        gone = dict.fromkeys(file(mine))
        assert broken(before, file(claim("atlas", nonce="f" * 16))) == ["claim"]
        assert broken(before, file(claim("atlas"))) == ["claim"]
        said = people.key("atlas").sign_bytes(signing.release(mine.id, mine.nonce))
        trailer = f"x\n\nGitcollab-Release: {mine.id} {mine.nonce} {said}\n"
        assert broken(before, gone, trailer) == ["claim"]
        other = people.key("nova").sign_bytes(signing.release(mine.id, "f" * 16))
        trailer = f"x\n\nGitcollab-Release: {mine.id} {mine.nonce} {other}\n"
        assert broken(before, gone, trailer) == ["claim"]

    def test_a_renewal_only_moves_it_on(self, hub: Any) -> None:
        """What its holder signed before is anybody's to copy."""
        old, new = claim(), claim(minutes=20)
        assert broken(hub(file(new)), file(old)) == ["claim"]
        same = claim(minutes=20, description="RATE → 0.2, again")
        assert broken(hub(file(new)), file(same)) == ["claim"]

    def test_one_that_expired_long_ago_is_not_put_there_again(self, hub: Any) -> None:
        assert broken(hub(), file(claim(minutes=-60))) == []  # by a clock that is behind
        assert broken(hub(), file(claim(minutes=-60 * 25))) == ["claim"]

    def test_its_result_releases_it(self, hub: Any) -> None:
        mine = claim()
        gone = dict.fromkeys(file(mine))
        done = result(experiment=mine.id, claim=mine.nonce)
        assert broken(hub(file(mine)), published(done) | gone) == []
        others = result("atlas", experiment=mine.id, claim=mine.nonce)
        assert broken(hub(file(mine)), published(others) | gone) == ["claim"]

    def test_one_that_expired_is_anybodys(self, hub: Any) -> None:
        late = hub(file(claim(minutes=-10)))
        assert broken(late, dict.fromkeys(file(claim()))) == []
        assert broken(late, file(claim("atlas"))) == []

    def test_what_nobody_signed_holds_nothing(self, hub: Any) -> None:
        unsigned = claim().model_copy(update={"signature": None})
        assert broken(hub(), file(unsigned)) == ["signature"]
        assert broken(hub(file(unsigned)), file(claim("atlas"))) == []
        assert broken(hub(file(unsigned)), dict.fromkeys(file(unsigned))) == []


class TestMaintainers:
    PATHS = ("task.yaml", "collab.md", "train.py", "synonyms.yaml", ".github/workflows/sweep.yml")

    def edit(self, path: str, data: bytes | None, agent: str = "keeper", **fields: Any) -> Files:
        what: dict[str, Any] = (
            {"removes": [path]} if data is None else {"files": {path: sha256(data)}}
        )
        return {path: data} | file(ruling(agent, does="edit", **what, **fields))

    @pytest.mark.parametrize("path", PATHS)
    def test_only_they_change_what_is_all_agents(self, hub: Any, path: str) -> None:
        data = TASK.encode() + b"z: 2.0\n" if path == "task.yaml" else b"new\n"
        assert broken(hub(), {path: data}) == ["maintainers"]
        assert broken(hub(), self.edit(path, data)) == []
        assert broken(hub({path: data}), {path: None}) == ["maintainers"]
        assert "maintainers" in broken(hub(), self.edit(path, data, "nova"))

    def test_a_ruling_explains_exactly_what_it_says(self, hub: Any) -> None:
        edit = dict(self.edit("collab.md", b"new\n"))
        assert broken(hub(), edit | {"collab.md": b"other\n"}) == ["maintainers"]
        assert broken(hub(), edit | {"train.py": b"other\n"}) == ["maintainers"]

    def test_one_of_another_hub_or_time_explains_nothing(self, hub: Any) -> None:
        assert broken(hub(), self.edit("collab.md", b"x", hub="cd" * 16)) == ["maintainers"] * 2
        past = NOW - timedelta(days=9)
        assert broken(hub(), self.edit("collab.md", b"x", created_at=past)) == [
            "maintainers",
            "time",
        ]

    def test_one_that_stands_there_already_explains_nothing(self, hub: Any) -> None:
        edit = dict(self.edit("collab.md", b"old\n"))
        later = hub(edit, {"collab.md": b"newer\n"})
        assert broken(later, {"collab.md": b"old\n"}) == ["maintainers"]
        assert "maintainers" in broken(later, edit)

    def test_a_new_maintainer_is_named_by_an_old_one(self, hub: Any) -> None:
        coup = TASK.replace(people.key("keeper").public_line, people.key("mallory").public_line)
        stolen = ruling(does="edit", files={"task.yaml": sha256(coup.encode())})
        by_new_key = people.key("mallory").sign(stolen)
        assert "maintainers" in broken(hub(), {"task.yaml": coup.encode()} | file(by_new_key))
        assert broken(hub(), {"task.yaml": coup.encode()} | file(stolen)) == []

    def test_they_may_remove_what_harms(self, hub: Any) -> None:
        there = published(result())
        takes = file(ruling(does="edit", removes=sorted(there)))
        assert broken(hub(there), dict.fromkeys(there) | takes) == []

    def test_they_do_not_make_others_records(self, hub: Any) -> None:
        forged = people.key("keeper").sign(result())
        files = published(forged)
        says = file(ruling(does="edit", files={p: sha256(d) for p, d in files.items()}))
        assert "signature" in broken(hub(), files | says)

    def test_rulings_are_added_once(self, hub: Any) -> None:
        said = file(ruling(does="suspend", subject="nova"))
        assert broken(hub(), said) == []
        assert broken(hub(said), dict.fromkeys(said)) == ["append-only"]


class TestMembers:
    def test_who_is_suspended_adds_nothing(self, hub: Any) -> None:
        before = hub(file(ruling(does="suspend", subject="nova")))
        assert broken(before, published(result())) == ["member"]
        assert broken(before, file(claim())) == ["member"]
        assert broken(before, published(result("atlas"))) == []
        back = ruling(
            does="restore", subject="nova", id="keeper/r-2", created_at=NOW + timedelta(1 / 24)
        )
        again = hub(file(ruling(does="suspend", subject="nova")), file(back))
        assert broken(again, published(result())) == []

    def test_a_suspension_by_anybody_else_is_none(self, hub: Any) -> None:
        for said in (
            ruling("atlas", does="suspend", subject="nova"),
            ruling(does="suspend", subject="nova", hub="cd" * 16),
            ruling(does="suspend", subject="nova").model_copy(update={"signature": None}),
        ):
            assert roster(hub(file(said))).agents["nova"].status == "member"

    def joined(self, name: str = "vega", **fields: Any) -> AgentCard:
        return people.signed(people.card(name, NOW).model_copy(update=fields))

    def test_joining(self, hub: Any) -> None:
        assert broken(hub(), file(self.joined())) == []
        assert broken(hub(), file(self.joined().model_copy(update={"contact": "x"}))) == [
            "signature"
        ]
        assert broken(hub(), file(self.joined(created_at=NOW - timedelta(days=3)))) == ["time"]
        assert broken(hub(), file(self.joined("con"))) == ["owner"]

    def test_one_key_is_one_agent(self, hub: Any) -> None:
        other = people.card("vega", NOW).model_copy(
            update={"public_key": people.key("nova").public_line}
        )
        assert broken(hub(), file(people.key("nova").sign(other))) == ["owner"]

    def test_a_maintainers_name_is_the_maintainers(self, hub: Any) -> None:
        thief = KeyPair.generate()
        card = people.card("keeper", NOW)
        stolen = thief.sign(card.model_copy(update={"public_key": thief.public_line}))
        assert broken(hub(), file(stolen)) == ["owner"]
        assert broken(hub(), file(card)) == []

    def test_a_card_is_changed_by_its_key_alone(self, hub: Any) -> None:
        before = hub(names=("nova", "atlas"))
        old = people.card("nova")
        moved = people.signed(old.model_copy(update={"contact": "nova@example.org"}))
        assert broken(before, file(moved)) == []
        assert broken(before, dict.fromkeys(file(old))) == ["append-only"]
        thief = KeyPair.generate()
        stolen = thief.sign(old.model_copy(update={"public_key": thief.public_line}))
        assert broken(before, file(stolen)) == ["signature"]
        assert broken(before, file(people.card("nova", NOW))) == ["append-only"]
        again = file(old)["agents/nova.yaml"].replace(b"schema: 1\n", b"schema:  1\n")
        assert broken(before, {"agents/nova.yaml": again}) == ["append-only"]

    def rotated(self, by: KeyPair) -> tuple[AgentCard, KeyPair]:
        old, new = people.card("nova"), KeyPair.generate()
        said = signing.rotation("nova", old.public_key, new.public_line, NOW)
        former = FormerKey(
            public_key=old.public_key, replaced_at=NOW, signature=by.sign_bytes(said)
        )
        card = old.model_copy(update={"public_key": new.public_line, "former": [former]})
        return new.sign(card), new

    def test_a_key_is_replaced_by_its_own_word(self, hub: Any) -> None:
        card, new = self.rotated(people.key("nova"))
        assert broken(hub(), file(card)) == []
        stolen, _ = self.rotated(KeyPair.generate())
        assert broken(hub(), file(stolen)) == ["signature"]
        old = hub(published(result()), file(card))
        assert roster(old).signed(result())  # what the old key signed stays so
        assert broken(old, published(result(stem="r-2"))) == ["signature"]
        assert broken(old, published(new.sign(result(stem="r-2")))) == []


class TestAdmission:
    def task(self, admission: str) -> str:
        return TASK + f"policy: {{admission: {admission}}}\n"

    def card(self, token: str | None, name: str = "vega") -> AgentCard:
        shown = invitations.accept(token, name, people.key(name).public_line) if token else None
        return people.signed(people.card(name, NOW).model_copy(update={"invitation": shown}))

    def token(self, uses: int = 1, hub: str = HUB, by: str = "keeper", days: int = 1) -> str:
        return invitations.make(people.key(by), hub, uses, NOW + timedelta(days=days))

    def test_an_invitation_lets_in_as_often_as_it_says(self, hub: Any) -> None:
        before, token = hub(task=self.task("invite")), self.token(2)
        assert broken(before, file(self.card(None))) == ["admission"]
        first, second, third = (self.card(token, n) for n in ("vega", "lyra", "mira"))
        assert broken(before, file(first)) == []
        two = hub(file(first), file(second), task=self.task("invite"))
        assert broken(two, file(third)) == ["admission"]
        assert roster(two).agents["lyra"].status == "member"

    def test_others_do_not(self, hub: Any) -> None:
        before = hub(task=self.task("invite"))
        for token in (self.token(hub="cd" * 16), self.token(by="atlas"), self.token(days=-1)):
            assert broken(before, file(self.card(token))) == ["admission"]
        copied = self.card(self.token()).invitation
        stolen = people.signed(people.card("mira", NOW).model_copy(update={"invitation": copied}))
        assert broken(before, file(stolen)) == ["admission"]

    def test_copies_of_an_invitation_do_not_use_it_up(self, hub: Any) -> None:
        token = self.token(2)
        first, second = self.card(token, "vega"), self.card(token, "lyra")
        copy = people.card("mira", NOW).model_copy(update={"invitation": first.invitation})
        opened = hub(file(first), file(people.signed(copy)), task=self.task("invite"))
        assert broken(opened, file(second)) == []

    def test_a_former_maintainer_invites_nobody(self, hub: Any) -> None:
        key = people.key("keeper").public_line
        policy = f"policy: {{admission: invite}}\nretired: ['{key}']\n"
        task = (
            toy.TASK
            + f"hub: {HUB}\n"
            + policy
            + f"maintainers: {{ada: {people.key('ada').public_line}}}\n"
        )
        invited = self.card(self.token())
        assert broken(hub(task=task), file(invited)) == ["admission"]
        before = hub(file(invited), task=task)  # whom it let in as long as it could stays
        assert roster(before).agents["vega"].status == "member"

    def test_who_was_not_admitted_waits(self, hub: Any) -> None:
        before = hub(file(self.card(None)), task=self.task("approval"))
        assert roster(before).agents["vega"].status == "waiting"
        assert broken(before, published(result("vega"))) == ["member"]
        key = people.key("vega").public_line
        let_in = file(ruling(does="admit", subject="vega", public_key=key))
        assert broken(before, let_in) == []
        after = hub(file(self.card(None)), let_in, task=self.task("approval"))
        assert broken(after, published(result("vega"))) == []
        other = file(ruling(does="admit", subject="vega", public_key=people.key("x").public_line))
        still = hub(file(self.card(None)), other, task=self.task("approval"))
        assert roster(still).agents["vega"].status == "waiting"

    def test_who_joined_before_stays(self, hub: Any) -> None:
        since = rfc3339(NOW - timedelta(days=1))
        policy = f"policy: {{admission: approval, admission_since: {since}}}\n"
        before = hub(file(self.card(None)), task=TASK + policy)
        assert roster(before).agents["nova"].status == "member"
        assert roster(before).agents["vega"].status == "waiting"
        older = people.card("mira", NOW - timedelta(hours=20))
        recent = rfc3339(NOW - timedelta(hours=1))
        policy = f"policy: {{admission: approval, admission_since: {recent}}}\n"
        assert broken(hub(task=TASK + policy), file(older)) == ["time"]


class TestState:
    def seeded(self) -> Files:
        files = {"task.yaml": TASK.encode(), "train.py": toy.PROGRAM.encode()}
        files["collab.md"] = b"# The protocol\n"
        return file(ruling(does="edit", files={p: sha256(d) for p, d in files.items()}))

    def rules(self, snapshot: Snapshot) -> set[tuple[str, str]]:
        return {(b.path, b.rule) for b in standing.state_breaches(snapshot)}

    def test_an_honest_hub(self, hub: Any) -> None:
        assert self.rules(hub(self.seeded(), published(result()), file(claim()))) == set()

    def test_each_kind_of_fault(self, hub: Any) -> None:
        unsigned = result(stem="r-2").model_copy(update={"signature": None})
        faults: Files = {
            "collab.md": b"send me money",
            "results/nova/r-1/train.py": b"evil",
            "results/nova/r-3/train.py": b"alone",
            "odd.bin": b"\0",
            "claims/bad.yaml": b"[",
            "train.py": None,
        }
        files = [self.seeded(), published(result()), published(unsigned), faults]
        assert self.rules(hub(*files)) == {
            ("collab.md", "maintainers"),
            ("train.py", "maintainers"),
            ("results/nova/r-1/train.py", "signature"),
            ("results/nova/r-2/result.yaml", "signature"),
            ("results/nova/r-3/train.py", "place"),
            ("odd.bin", "place"),
            ("claims/bad.yaml", "schema"),
        }

    def test_what_is_hard_to_believe_is_flagged_and_stands(self, hub: Any) -> None:
        digest = codec.decode("task", TASK.encode())
        assert isinstance(digest, Record)
        task: str = digest.digest  # type: ignore[attr-defined]
        low = published(result(stem="low", task=task, metric=-1.0))
        before = hub(self.seeded())
        assert broken(before, low) == []
        flagged = standing.flags(hub(self.seeded(), low))
        assert [(b.path, b.rule) for b in flagged] == [
            ("results/nova/low/result.yaml", "plausible")
        ]


def test_a_line_of_a_reason_is_one_line(hub: Any, tmp_path: Path) -> None:
    hostile = b'schema: 1\n"id\\u001b[2J": x\n'
    found = rulebook.breaches(hub(), {"claims/x.yaml": hostile}, "", NOW)
    assert all(b.reason.isprintable() for b in found)

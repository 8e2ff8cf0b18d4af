"""Agents, kills, outages, squashes, sweeps and clocks in any order, by the swarm's own rules.

At the end the hub holds exactly what was accepted, every claim that was accepted was exclusive
while it lasted, nothing waits, and the derived files are those that a rebuild makes.
"""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from store_toys import git, kill_self_at, killed_at, landed

from gitcollab.git.remote import Pushed, Remote, Unreachable
from gitcollab.records import codec, signing
from gitcollab.records.models import Claim, Hardware, Result, Task, sha256
from gitcollab.similarity.program import fingerprint
from gitcollab.store.cache import folder_of
from gitcollab.store.requests import Outcome, Request
from gitcollab.store.store import Store
from gitcollab.swarm import derive, member, reading
from gitcollab.swarm.claims import renewed
from gitcollab.swarm.identity import key_of
from tests import people

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AGENTS = {"nova": "shared", "vega": "shared", "lyra": "lyra", "orion": "orion"}  # agent -> home
RATES = (0.1, 0.2, 0.3, 0.4)


@dataclass
class Held:
    """A claim that an agent was told to have, and until when it may rely on it."""

    claim: Claim
    since: datetime
    until: datetime
    given_back: bool = False


@dataclass
class World:
    """One schedule: what is asked, what was told, and what must be true at the end."""

    hub: Path
    folder: Path
    rng: random.Random
    setenv: Callable[[str, str], None]
    task: Task = field(init=False)
    now: datetime = START
    log: list[str] = field(default_factory=list)
    held: dict[str, list[Held]] = field(default_factory=lambda: {agent: [] for agent in AGENTS})
    spans: list[Held] = field(default_factory=list)  # the accepted ones, also of before a renewal
    published: set[str] = field(default_factory=set)
    perhaps: set[str] = field(default_factory=set)  # killed before the request was stored
    numbers: int = 0

    def __post_init__(self) -> None:
        people.plant(self.hub, people.cards(AGENTS))

    @property
    def away(self) -> Path:
        return self.hub.with_name("away.git")

    def store(self, home: str) -> Store:
        self.setenv("GITCOLLAB_HOME", str(self.folder / home))
        return member.open_store(str(self.hub), "swarm", "nova", None, lambda: self.now)

    def copy_of(self, home: str) -> Path:
        return folder_of(self.folder / home, str(self.hub), "swarm")

    def say(self, text: str) -> None:
        self.log.append(f"{self.now:%H:%M:%S} {text}")

    # -- what agents ask -------------------------------------------------------------------------

    def request(self, kind: str, agent: str, payload: dict, *, drop: bool = False) -> Request:
        self.numbers += 1
        patience = timedelta(seconds=90) if drop else None
        return Request(
            f"{self.numbers:04d}-{self.rng.getrandbits(64):016x}",
            kind,
            agent,
            self.now,
            payload,
            when_offline="drop" if drop else "keep",
            not_after=self.now + patience if patience else None,
        )

    def new_claim(self, agent: str, task: Task, rate: float) -> Request:
        bare = Claim.model_validate(
            {
                "id": "x",
                "description": f"RATE → {rate}",
                "delta": {"RATE": rate},
                "agent": agent,
                "created_at": self.now,
                "nonce": f"{self.rng.getrandbits(128):032x}",
                "tier": "cpu",
                "expires_at": self.now,
            }
        )
        keyed = bare.model_copy(update={"id": key_of(bare, 42)})
        made = people.signed(renewed(keyed, task, self.now))
        payload = {"claim": codec.to_mapping(made), "task": task.digest, "anyway": True}
        return self.request("claim", agent, payload, drop=True)

    def new_result(self, agent: str, task: Task, under: Claim | None) -> Request:
        rate = under.delta["RATE"] if under else self.rng.choice(RATES)
        program = f"RATE = {rate}\n"
        made = Result.model_validate(
            {
                "id": f"{agent}/r-{self.numbers}",
                "agent": agent,
                "created_at": self.now,
                "nonce": f"{self.rng.getrandbits(128):032x}",
                "description": f"RATE → {rate}",
                "delta": {"RATE": rate},
                "fingerprint": fingerprint(program),
                "status": "ok",
                "metric": round(1 + self.rng.random(), 6),
                "task": task.digest,
                "hardware": Hardware(device="cpu", tier="cpu"),
                "claim": under.nonce if under else None,
                "experiment": under.id if under else None,
                "files": {"train.py": sha256(program.encode())},
            }
        )
        files = {"train.py": program}
        return self.request(
            "publish", agent, {"result": codec.to_mapping(people.signed(made)), "files": files}
        )

    def compose(self, agent: str, task: Task) -> list[Request]:
        """One submit: something an agent would do now."""
        mine = [h for h in self.held[agent] if h.until > self.now]
        under = self.rng.choice(mine).claim if mine else None
        what = self.rng.choice(["claim", "claim", "publish", "next", "release", "renew", "sweep"])
        if what == "release" and under:
            said = people.key(agent).sign_bytes(signing.release(under.id, under.nonce))
            payload = {"experiment": under.id, "nonce": under.nonce, "signature": said}
            return [self.request("release", agent, payload)]
        if what == "renew" and under:
            made = people.signed(renewed(under, task, self.now))
            payload = {"claim": codec.to_mapping(made)}
            return [self.request("renew", agent, payload, drop=True)]
        if what == "publish":
            return [self.new_result(agent, task, under)]
        if what == "next":
            publish = self.new_result(agent, task, under)
            return [publish, self.new_claim(agent, task, self.rng.choice(RATES))]
        if what == "sweep":
            return [self.request("sweep", agent, {}, drop=True)]
        return [self.new_claim(agent, task, self.rng.choice(RATES))]

    # -- what they are told ----------------------------------------------------------------------

    def note(self, agent: str, request: Request, outcome: Outcome) -> None:
        told = outcome["outcome"]
        self.say(f"  {agent} {request.kind} {request.id}: {told} {outcome.get('reason', '')}")
        assert told != "failed", outcome
        match request.kind:
            case "publish":
                assert told in ("published", "queued"), outcome
                self.published.add(request.payload["result"]["id"])
                self.give_back(agent, request.payload["result"].get("claim"))
            case "release":
                self.give_back(agent, request.payload["nonce"])
            case "claim" | "renew" if told in ("granted", "renewed"):
                claim = Claim.model_validate(request.payload["claim"])
                self.give_back(agent, claim.nonce)
                self.held[agent].append(Held(claim, self.now, claim.expires_at))
                self.spans.append(self.held[agent][-1])
            case "renew" if told == "lost":
                self.give_back(agent, Claim.model_validate(request.payload["claim"]).nonce)

    def give_back(self, agent: str, nonce: str | None) -> None:
        """The agent relies on the claim no longer; whether the hub knows is another matter."""
        for one in self.held[agent]:
            if one.claim.nonce == nonce:
                one.until = min(one.until, self.now)
                one.given_back = True
        self.held[agent] = [one for one in self.held[agent] if one.claim.nonce != nonce]

    def note_killed(self, agent: str, requests: list[Request]) -> None:
        """Nobody was told anything: what is stored is owed, the rest may be there or not."""
        waiting = {one.request.id for one in self.store(AGENTS[agent]).pending()}
        there = set(landed(self.hub if self.hub.exists() else self.away))
        for request in requests:
            stored = request.id in waiting | there
            self.say(f"  {agent} {request.kind} {request.id}: killed, stored: {stored}")
            if request.kind == "publish":
                (self.published if stored else self.perhaps).add(request.payload["result"]["id"])
                self.give_back(agent, request.payload["result"].get("claim"))
            if request.kind == "release":
                self.give_back(agent, request.payload["nonce"])
            if request.kind == "renew":
                self.give_back(agent, request.payload["claim"]["nonce"])

    # -- steps -----------------------------------------------------------------------------------

    def submit(self) -> None:
        agent = self.rng.choice(list(AGENTS))
        store = self.store(AGENTS[agent])
        requests = self.compose(agent, self.task)
        self.say(f"{agent} asks for {[request.kind for request in requests]}")
        for request, outcome in zip(requests, store.submit(*requests), strict=True):
            self.note(agent, request, outcome)

    def submit_and_be_killed(self) -> None:
        agent = self.rng.choice(list(AGENTS))
        requests = self.compose(agent, self.task)
        step = self.rng.randint(1, 18)
        self.say(f"{agent} asks for {[request.kind for request in requests]}, kill -9 at {step}")
        told = self.folder / "told.json"
        told.unlink(missing_ok=True)
        store = self.store(AGENTS[agent])

        if killed_at(step, lambda: told.write_text(json.dumps(store.submit(*requests)))):
            self.note_killed(agent, requests)
        else:
            for request, outcome in zip(requests, json.loads(told.read_text()), strict=True):
                self.note(agent, request, outcome)

    def crowd(self) -> None:
        """Three at once want the same experiment, or publish; one of them may be killed."""
        agents = self.rng.sample(list(AGENTS), 3)
        task, rate = self.task, self.rng.choice(RATES)
        asked = {
            agent: [self.new_claim(agent, task, rate), self.new_result(agent, task, None)]
            for agent in agents
        }
        victim = agents[0] if self.rng.random() < 0.5 else None
        step = self.rng.randint(1, 18)
        self.say(f"{agents} ask at once for {rate}; killed: {victim} at {step}")
        context = get_context("fork")
        processes = {}
        for agent in agents:
            store, told = self.store(AGENTS[agent]), self.folder / f"told-{agent}.json"
            told.unlink(missing_ok=True)

            def body(agent: str = agent, store: Store = store, told: Path = told) -> None:
                if agent == victim:
                    kill_self_at(step)
                told.write_text(json.dumps(store.submit(*asked[agent])))

            processes[agent] = context.Process(target=body)
            processes[agent].start()
        for process in processes.values():
            process.join(120)
            assert process.exitcode in (0, -9)
        for agent in agents:
            told = self.folder / f"told-{agent}.json"
            if told.exists() and told.stat().st_size:
                for request, outcome in zip(
                    asked[agent], json.loads(told.read_text()), strict=True
                ):
                    self.note(agent, request, outcome)
            else:
                self.note_killed(agent, asked[agent])

    def sync(self) -> None:
        home = self.rng.choice(sorted(set(AGENTS.values())))
        outcomes = self.store(home).flush()
        self.say(f"{home} is flushed: {[outcome['outcome'] for outcome in outcomes]}")

    def outage(self) -> None:
        if self.hub.exists():
            self.hub.rename(self.away)
        else:
            self.away.rename(self.hub)
        self.say(f"the hub is {'back' if self.hub.exists() else 'away'}")

    def squash(self) -> None:
        if self.hub.exists():
            who = ("-c", "user.name=n", "-c", "user.email=e@x")
            ids = "".join(f"\n\nGitcollab-Request: {one}" for one in landed(self.hub))
            message = f"squashed{ids}".replace("\n\nGit", "\nGit").replace("\nGit", "\n\nGit", 1)
            new = git(self.hub, *who, "commit-tree", "swarm^{tree}", "-m", message)
            git(self.hub, "update-ref", "refs/heads/swarm", new)
            git(self.hub, "gc", "-q", "--prune=now")
            self.say("the history is squashed")

    def lose_copy(self) -> None:
        home = self.rng.choice(sorted(set(AGENTS.values())))
        shutil.rmtree(self.copy_of(home) / "repo.git", ignore_errors=True)
        self.say(f"the copy of {home} is deleted")

    def spoil_copy(self) -> None:
        home = self.rng.choice(sorted(set(AGENTS.values())))
        found = sorted(self.copy_of(home).glob("repo.git/objects/*/*"))
        for path in self.rng.sample(found, min(3, len(found))):
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        self.say(f"objects in the copy of {home} are cut in half")

    def lose_reply(self) -> None:
        """The next push of the next submit lands, and nobody hears of it."""
        right = Remote.push
        self.say("the next reply is lost")

        def push(remote: Remote, commit: str, **more: str | None) -> Pushed:
            Remote.push = right  # type: ignore[method-assign]
            right(remote, commit, **more)
            return Unreachable("the line went dead", "")

        Remote.push = push  # type: ignore[method-assign]
        try:
            self.submit()
        finally:
            Remote.push = right  # type: ignore[method-assign]

    def time_passes(self) -> None:
        self.now += timedelta(seconds=self.rng.choice([1, 20, 100, 400, 1200]))

    # -- a whole schedule ------------------------------------------------------------------------

    def run(self, steps: int) -> None:
        for home in sorted(set(AGENTS.values())):
            self.task = reading.task_of(self.store(home).snapshot(), "hub", "swarm")
        choices: list[tuple[Callable[[], None], int]] = [
            (self.submit, 8),
            (self.submit_and_be_killed, 5),
            (self.crowd, 1),
            (self.sync, 1),
            (self.outage, 2),
            (self.squash, 1),
            (self.lose_copy, 1),
            (self.spoil_copy, 1),
            (self.lose_reply, 2),
            (self.time_passes, 4),
        ]
        for step in self.rng.choices(*zip(*choices, strict=True), k=steps):
            step()
        if not self.hub.exists():
            self.outage()
        for home in sorted(set(AGENTS.values())):
            self.store(home).flush()
            assert self.store(home).pending() == []
            assert self.store(home).quarantined() == []
        self.check()

    def check(self) -> None:
        doubled = [one for one, often in Counter(landed(self.hub)).items() if often > 1]
        assert doubled == []
        assert git(self.hub, "fsck", "--no-dangling", "--no-progress") == ""
        snapshot = self.store("checking").refresh()
        assert snapshot.invalid() == {}
        results = set(snapshot.records("result"))
        assert results >= self.published, "a result is lost"
        assert results <= self.published | self.perhaps, "a result that nobody published"
        claims = {claim.nonce: claim for claim in reading.claims(snapshot).values()}
        for one in self.spans:
            if not one.given_back and one.until > self.now:
                assert one.claim.nonce in claims, f"{one} is lost"
        for number, one in enumerate(self.spans):
            for other in self.spans[:number]:
                if one.claim.id == other.claim.id and one.claim.nonce != other.claim.nonce:
                    apart = one.until <= other.since or other.until <= one.since
                    assert apart, f"at the same time: {one} and {other}"
        assert derive.deriver(None)(snapshot) == {}, "the views are not those of the records"


@pytest.mark.parametrize(
    "first",
    [0, 10, *(pytest.param(n, marks=pytest.mark.soak) for n in range(1000, 1800, 50))],
)
def test_whatever_happens_in_whatever_order(
    tmp_path: Path, toy_hub: Path, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    many, steps = (6, 12) if first < 1000 else (50, 30)
    for seed in range(first, first + many):
        folder = tmp_path / str(seed)
        hub = folder / "hub.git"
        shutil.copytree(toy_hub, hub)
        world = World(hub, folder, random.Random(seed), monkeypatch.setenv)
        try:
            world.run(steps)
        except BaseException as e:
            e.add_note("\n".join([f"seed {seed}, {steps} steps:", *world.log]))
            raise
        shutil.rmtree(folder)


def test_a_damaged_copy_is_no_reason_to_leave_the_views_out(
    tmp_path: Path, toy_hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task that cannot be read for damage here is not a task that this version does not know."""
    world = World(toy_hub, tmp_path, random.Random(0), monkeypatch.setenv)
    store = world.store("lyra")
    world.task = reading.task_of(store.snapshot(), "hub", "swarm")
    blob = git(toy_hub, "rev-parse", "swarm:task.yaml")
    path = world.copy_of("lyra") / "repo.git" / "objects" / blob[:2] / blob[2:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:20])
    request = world.new_result("lyra", world.task, None)

    world.note("lyra", request, *store.submit(request))

    world.check()
    assert "best/metadata.yaml" in git(toy_hub, "ls-tree", "-r", "--name-only", "swarm")

"""One writer: an operation of the store beside a bare `git push` of one small commit."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from gitcollab.git.objects import ObjectStore
from gitcollab.git.remote import Remote, create_bare
from gitcollab.store.outbox import Outbox
from gitcollab.store.requests import Outcome
from tests.bench.figures import Figure, clocked
from tests.bench.toys import BRANCH, Claimer, call, store_at, toy_hub

TIMES = 40
WHO = ("bench", "bench@gitcollab.invalid")


def measure(root: Path) -> Iterator[Figure]:
    """The two take turns, so that whatever else goes on here meets both."""
    hub = toy_hub(root / "one")
    store = store_at(hub, root / "one" / "home")
    store.refresh()
    claimer = Claimer(hub.parent, "nova", 0)
    pusher = BarePusher(toy_hub(root / "bare"))
    bare, ours = [], []
    told: list[Outcome] = []
    with _phases() as phases:
        for turn in range(TIMES + 2):
            commit = pusher.commit(f"{turn}")
            bare.append(clocked(lambda c=commit: pusher.push(c)))  # type: ignore[misc]
            asked = claimer.claim() if turn % 2 == 0 else claimer.release()
            ours.append(clocked(lambda r=asked: told.extend(store.submit(r))))  # type: ignore[misc]
    assert {one["outcome"] for one in told} == {"granted", "released"}
    one, other = median(ours[2:]), median(bare[2:])
    what = "one writer, an operation (a claim, its release)"
    yield Figure(what, one, "s", "git push of a commit made before", other, most_ratio=1.3)
    claims, releases = median(ours[2::2]), median(ours[3::2])
    yield Figure("  a claim", claims, "s", "git push", other)
    yield Figure("  a release", releases, "s", "git push", other)
    parts = {name: median(spent[2:]) for name, spent in phases.items()}
    for name, spent in parts.items():
        yield Figure(f"  of it: {name}", spent, "s")
    yield Figure("  of it: the rest (decide, commit, tell)", one - sum(parts.values()), "s")


class BarePusher:
    """Pushes small commits with git alone; making them is not part of it."""

    def __init__(self, hub: Path) -> None:
        self.hub = hub
        self.repo = hub.parent / "pusher.git"
        create_bare(self.repo)
        call("git", f"--git-dir={self.repo}", "fetch", "-q", hub, f"{BRANCH}:refs/heads/mine")
        self._objects = ObjectStore(self.repo)
        self._tip = self._objects.tip("refs/heads/mine")

    def commit(self, name: str) -> str:
        """A commit on the last one that adds a file of a claim's size."""
        tip = self._tip
        assert tip is not None
        changes = {f"claims/{name}.yaml": f"claim: {name}\n".encode() * 30}
        tree = self._objects.write_tree(self._objects.tree(tip), changes)
        self._tip = self._objects.commit(tree, tip, name, WHO, WHO, datetime.now(UTC))
        return self._tip

    def push(self, commit: str) -> None:
        """`git push` it."""
        where = f"{commit}:refs/heads/{BRANCH}"
        call("git", f"--git-dir={self.repo}", "push", "-q", self.hub, where)


@contextmanager
def _phases() -> Iterator[dict[str, list[float]]]:
    """Within, how long the steps of an operation take, by what they are."""
    spent: dict[str, list[float]] = defaultdict(list)

    def watched(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return act(*args, **kwargs)
            finally:
                spent[name].append(time.perf_counter() - began)

        return run

    with (
        patch.object(Outbox, "put", watched("write the request (fsync)", Outbox.put)),
        patch.object(Remote, "push", watched("push", Remote.push)),
    ):
        yield spent

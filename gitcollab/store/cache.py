"""The local copy of one hub: a bare repository, built aside, swapped in, remade when damaged.

    home/hubs/<slug>-<hash>/
        repo.git        objects and the last known tip; holds nothing that the hub does not
        index.sqlite    see index
        outbox/         see outbox; survives whatever happens to the copy
        fetched.json    see sightings
        lock            the host's lock

Whoever fetches, writes or replaces holds the lock; reading needs none.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from gitcollab.errors import GitcollabError, without_credentials
from gitcollab.git import command, housekeeping
from gitcollab.git.failures import CacheCorrupt, HubEmpty, local_failure
from gitcollab.git.objects import ObjectStore, create
from gitcollab.git.remote import Remote, address
from gitcollab.store.sightings import Sightings


def folder_of(home: Path, hub: str, branch: str) -> Path:
    """Where everything about one hub and branch lives under ``home``."""
    url = address(hub)
    shown = without_credentials(url).lower().rstrip("/").removesuffix(".git")
    name = re.sub(r"[^a-z0-9]+", "-", shown).strip("-")[-40:].strip("-") or "hub"
    # Another password is no other hub; but no two hubs may share a folder.
    place = re.sub(r"\A(https?://)[^/?#]*@", r"\1", url)
    digest = hashlib.sha256(f"{place}\n{branch}".encode()).hexdigest()[:12]
    return home / "hubs" / f"{name}-{digest}"


class Cache:
    """The local copy of the branch ``branch`` of ``hub`` in ``folder``."""

    def __init__(self, folder: Path, hub: str, branch: str, *, idle: float) -> None:
        self.folder = folder
        self.repo = folder / "repo.git"
        self.remote = Remote(self.repo, address(hub), branch, idle=idle)
        self.sightings = Sightings(folder / "fetched.json")
        self._opened: tuple[int, ObjectStore] | None = None

    def prepare(self) -> None:
        """Make the folder. Raises DiskFull, or GitcollabError when it cannot be used."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise local_failure(e) from e

    def objects(self) -> ObjectStore:
        """The copy's objects. Raises CacheCorrupt when there is no copy or it is damaged."""
        try:
            inode = self.repo.stat().st_ino
        except OSError as e:
            raise CacheCorrupt("it is not there") from e
        if self._opened is None or self._opened[0] != inode:  # another process swapped it
            self._opened = inode, ObjectStore(self.repo)
        return self._opened[1]

    def tip(self) -> str | None:
        """The last known tip, None when none was ever seen. Raises CacheCorrupt."""
        if not self.repo.exists():
            return None
        return self.objects().tip(self.remote.tracking)

    def set_tip(self, commit: str, now: datetime) -> None:
        """Remember what we pushed."""
        self.objects().set_tip(self.remote.tracking, commit)
        self.sightings.pushed(commit, now)

    def fetch(self, now: datetime) -> str:
        """Bring the copy to the hub's tip, making or remaking it where needed; the lock is held.

        Raises HubUnreachable, HubEmpty, DiskFull, GitMissing, GitTooOld.
        """
        try:
            if self.tip() is not None:
                self.remote.fetch()
                return self._fetched(now)
        except HubEmpty:  # there was a branch, there is none now
            self.objects().forget_tip(self.remote.tracking)
            raise
        except CacheCorrupt:
            pass
        return self.remake(now)

    def remake(self, now: datetime) -> str:
        """Make the copy afresh and give the hub's tip; the lock is held. Raises as fetch does.

        The old copy stays until the new one is complete.
        """
        command.version()
        aside = self.folder / f"trash-new-{secrets.token_hex(4)}"
        made = replace(self.remote, git_dir=aside)
        try:
            create(aside)
            made.fetch(shallow=True)
            self._swap(aside)
        except HubEmpty:
            self._swap(aside)
            raise
        finally:
            self._sweep()
        return self._fetched(now)

    def bring(self, commit: str) -> None:
        """Have ``commit`` in the copy if the hub still gives it; the lock is held.

        Raises HubUnreachable, DiskFull, CacheCorrupt.
        """
        try:
            self.objects().tree(commit)
        except CacheCorrupt:
            self.remote.fetch_commit(commit)

    def tidy(self) -> None:
        """Keep the copy small and the folder clean; the lock is held. What fails is left for later.

        Next to nothing where there is nothing to do; packing takes a fraction of a second.
        """
        with suppress(OSError, GitcollabError):
            self._sweep()
            if self.repo.exists():
                housekeeping.tidy(self.repo)

    def _sweep(self) -> None:
        """Remove old copies and halves of new ones, those that a killed process left too."""
        for trash in self.folder.glob("trash-*"):
            shutil.rmtree(trash, ignore_errors=True)

    def _swap(self, aside: Path) -> None:
        try:
            if self.repo.exists():
                self.repo.replace(self.folder / f"trash-{secrets.token_hex(4)}")
            aside.replace(self.repo)
        except OSError as e:
            raise local_failure(e) from e

    def _fetched(self, now: datetime) -> str:
        tip = self.tip()
        if tip is None:
            raise CacheCorrupt("the fetched tip is not there")
        self.objects().tree(tip)
        self.sightings.fetched(tip, self.objects().commit_time(tip), now)
        return tip

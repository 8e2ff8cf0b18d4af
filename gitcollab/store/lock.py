"""The host's lock on one hub's folder: the operating system's, so a killed holder frees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitcollab.errors import GitcollabError
from gitcollab.git.failures import local_failure

# How often a waiting process looks; short against a push, long against a core's time.
_POLL = 0.01


class HostLock:
    """An exclusive lock between processes and between threads, held in the file ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def held(self, timeout: float) -> Iterator[bool]:
        """Hold the lock within the block; False when it was not free in ``timeout`` seconds."""
        import filelock

        # A lock object each time: its count of nested holds must not span callers.
        lock = filelock.FileLock(self.path)
        try:
            lock.acquire(timeout=timeout, poll_interval=_POLL)
        except filelock.Timeout:
            yield False
            return
        except OSError as e:
            raise local_failure(e) from e
        try:
            yield True
        finally:
            lock.release()

    @contextmanager
    def required(self, timeout: float) -> Iterator[None]:
        """Hold the lock within the block; raises GitcollabError when it stays taken."""
        with self.held(timeout) as mine:
            if not mine:
                raise GitcollabError(
                    f"another gitcollab process has been using this hub for {timeout:g} s",
                    "wait for it, or end it, then try again",
                )
            yield

"""The host's lock on one hub's folder: the operating system's, so a killed holder frees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from gitcollab.errors import GitcollabError
from gitcollab.git.failures import local_failure


class HostLock:
    """An exclusive lock between processes and between threads, held in the file ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._of_thread = threading.local()

    @contextmanager
    def tried(self) -> Iterator[bool]:
        """Hold the lock within the block if it is free now; the value says whether it was."""
        import filelock

        # Made once a thread: a crowd looks often, and making one costs more than a look.
        lock: filelock.FileLock | None = getattr(self._of_thread, "lock", None)
        if lock is None:
            lock = self._of_thread.lock = filelock.FileLock(self.path)
        if lock.is_locked:  # by this very thread: holds are not nested
            yield False
            return
        try:
            lock.acquire(blocking=False)
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
        until = time.monotonic() + timeout
        waits = pauses()
        while True:
            with self.tried() as mine:
                if mine:
                    yield
                    return
            if time.monotonic() > until:
                raise GitcollabError(
                    f"another gitcollab process has been using this hub for {timeout:g} s",
                    "wait for it, or end it, then try again",
                )
            time.sleep(next(waits))


def pauses() -> Iterator[float]:
    """Seconds between looks at a lock that others hold.

    Growing and uneven: a crowd that looked in step every few milliseconds would leave the holder,
    who is doing everybody's work, no processor.
    """
    rng = Random()
    pause = 0.01
    while True:
        yield pause * (0.5 + rng.random())
        pause = min(pause * 2, 0.12)

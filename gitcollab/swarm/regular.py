"""Reading files that others may have put there: regular ones, of a bounded size, or none."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


class Unreadable(Exception):  # noqa: N818
    """A file is not there, or nothing to read; ``str`` says how, after the file's name."""


class Missing(Unreadable):
    """There is no such file."""


def read_regular(path: Path, most: int) -> bytes:
    """A regular file of at most so many bytes, never through a link; else Unreadable.

    What may be there instead (a pipe, a device) is neither read nor waited for.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError as e:
        raise Missing("is not there") from e
    except OSError as e:
        if e.errno in (errno.ELOOP, errno.EMLINK):
            raise Unreadable("is a link") from e
        raise Unreadable(f"cannot be read: {e.strerror}") from e
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("is no regular file")
        if found.st_size > most:
            raise Unreadable(f"has {found.st_size:,} bytes; {most:,} are allowed")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(most + 1)
    except OSError as e:
        raise Unreadable(f"cannot be read: {e.strerror}") from e
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise Unreadable(f"has more than {most:,} bytes")
    return data

"""System calls that no namespace separates: the kernel's keyrings, and sockets to a machine's host.

A small seccomp filter refuses them to a program in the sandbox, and io_uring with them, which makes
sockets past any filter. On architectures that are not listed here there is none.
"""

from __future__ import annotations

import os
import platform
import struct
from dataclasses import dataclass
from errno import EAFNOSUPPORT, ENOSYS, EPERM

AF_VSOCK = 40
KEYCTL_JOIN_SESSION_KEYRING = 1
# struct seccomp_data: int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # (its low half: both are little-endian)
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # see linux/bpf_common.h
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_IO_URING_SETUP = 425


@dataclass(frozen=True, slots=True)
class Architecture:
    """Its word in ``linux/audit.h``, and the numbers of its system calls."""

    word: int
    socket: int
    add_key: int
    request_key: int
    keyctl: int
    numbers: int  # calls from here on are another architecture's (x32)


_KNOWN = {
    "x86_64": Architecture(0xC000003E, 41, 248, 249, 250, 0x40000000),
    "aarch64": Architecture(0xC00000B7, 198, 217, 218, 219, 0x40000000),
}


def architecture() -> Architecture | None:
    """This machine's; None where no numbers are known."""
    return _KNOWN.get(platform.machine())


def seccomp_filter(of: Architecture) -> bytes:
    """The filter as bubblewrap reads it: everything else is allowed."""
    refused = [(n, EPERM) for n in (of.add_key, of.request_key, of.keyctl)]
    refused.append((_IO_URING_SETUP, ENOSYS))  # which libraries take for an older kernel
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 1, 0, of.word),
        (_RETURN, 0, 0, _REFUSE | ENOSYS),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_AT_LEAST, 0, 1, of.numbers),
        (_RETURN, 0, 0, _REFUSE | ENOSYS),
    ]
    for number, error in refused:
        program += [(_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE | error)]
    program += [
        (_IF_EQUAL, 0, 3, of.socket),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IF_EQUAL, 0, 1, AF_VSOCK),
        (_RETURN, 0, 0, _REFUSE | EAFNOSUPPORT),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *one) for one in program)


def filter_descriptor() -> int | None:
    """A descriptor to read this machine's filter from; None where there is none."""
    if (here := architecture()) is None:
        return None
    reading, writing = os.pipe()
    os.write(writing, seccomp_filter(here))  # far less than a pipe holds
    os.close(writing)
    return reading

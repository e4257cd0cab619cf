"""A seccomp filter that refuses system calls which sandboxed code does not need.

New namespaces would give the code capabilities over parts of the Linux kernel; memory that belongs
to no process (`memfd_create`, System V shared memory and messages) would escape the memory limit.
Such calls fail with EPERM, as on a machine that does not permit them.
"""

from __future__ import annotations

import platform
import struct
import sys

# From <asm/unistd_64.h> and <asm-generic/unistd.h>. The numbers from 424 on are the same.
_X86_64 = {
    "shmget": 29, "clone": 56, "msgget": 68, "ptrace": 101, "mount": 165, "umount2": 166,
    "unshare": 272, "keyctl": 250, "add_key": 248, "request_key": 249, "perf_event_open": 298,
    "setns": 308, "memfd_create": 319, "bpf": 321, "userfaultfd": 323,
}  # fmt: skip
_AARCH64 = {
    "umount2": 39, "mount": 40, "unshare": 97, "ptrace": 117, "msgget": 186, "shmget": 194,
    "add_key": 217, "request_key": 218, "keyctl": 219, "clone": 220, "perf_event_open": 241,
    "setns": 268, "memfd_create": 279, "bpf": 280, "userfaultfd": 282,
}  # fmt: skip
_EVERYWHERE = {"io_uring_setup": 425, "open_tree": 428, "fsopen": 430, "memfd_secret": 447}
_CLONE3 = 435

# Machine as `platform` names it: its AUDIT_ARCH of <linux/audit.h>, and its calls.
_MACHINES = {
    "x86_64": (0xC000003E, _X86_64),
    "aarch64": (0xC00000B7, _AARCH64),
}
_X32 = 0x40000000  # the bit in the numbers of x86-64's second interface

# Of a classic BPF program: <linux/bpf_common.h>; what it returns: <linux/seccomp.h>.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_CLONE_NEW = 0x7E020000  # every CLONE_NEW* of <linux/sched.h> that clone() takes


def program() -> bytes | None:
    """The filter as bubblewrap's `--seccomp` reads it; None on another architecture."""
    if platform.machine() not in _MACHINES or sys.byteorder != "little":
        return None
    architecture, calls = _MACHINES[platform.machine()]
    refuse = _step(_RETURN, _ERRNO | _EPERM)
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, architecture, then=1),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _X32, otherwise=1),
        refuse,
        # The flags of clone3 lie in memory, which a filter can't read; on ENOSYS the C library
        # falls back to clone.
        _step(_EQUAL, _CLONE3, otherwise=1),
        _step(_RETURN, _ERRNO | _ENOSYS),
    ]
    for name, number in {**calls, **_EVERYWHERE}.items():
        if name != "clone":
            steps += [_step(_EQUAL, number, otherwise=1), refuse]
    steps += [
        _step(_EQUAL, calls["clone"], otherwise=3),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_ANY_BIT, _CLONE_NEW, otherwise=1),
        refuse,
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(steps)


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """One BPF instruction; `then` and `otherwise`: instructions that a jump skips."""
    return struct.pack("<HBBI", code, then, otherwise, value)

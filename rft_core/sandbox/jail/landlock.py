"""Landlock: this process may open files under the listed folders only, whatever its user may do.

It needs no privileges, is asked for by the process itself and cannot be taken off. Kernels learned
it step by step; what this one knows of the list below is used. It also forbids TCP and signals to
processes outside. See landlock(7); not covered there: looking at names, sizes and owners of files.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # on every machine
VERSION_QUESTION, PATH_BENEATH = 1, 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << n for n in range(6))
MAKE_DIR, MAKE_FILE, MAKE_LINK, MOVE, TRUNCATE = 1 << 7, 1 << 8, 1 << 12, 1 << 13, 1 << 14
READ = READ_FILE | READ_DIR
WRITE = WRITE_FILE | TRUNCATE
SCRATCH = READ | WRITE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_FILE | MAKE_LINK | MOVE
OF_A_FILE = EXECUTE | WRITE | READ_FILE  # rights that a single file can have
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
NETWORK = 0b11  # bind and connect of TCP
SCOPES = 0b11  # abstract Unix sockets and signals

Rule = tuple[int, int]  # a descriptor of what it is about, and the rights


def get_version() -> int:
    """The kernel's version of Landlock, 0 without it."""
    return max(0, _call(CREATE_RULESET, None, 0, VERSION_QUESTION, needed=False))


def open_rules(readable: Iterable[str], writable: Iterable[str]) -> list[Rule]:
    """Rules for all processes to come; paths that do not exist are left out."""
    rules = [_open_rule(path, READ) for path in readable]
    rules += [_open_rule(path, READ | WRITE) for path in writable]
    return [rule for rule in rules if rule]


def restrict(rules: Iterable[Rule], scratch: str) -> None:
    """Forbid all files but what the rules name, and scratch. Raises `OSError`.

    Nothing may be executed. Needs no_new_privs.
    """
    version = get_version()
    if not version:
        raise OSError("this kernel has no Landlock")
    known = (1 << (13 if version == 1 else 14 if version == 2 else 15 if version < 5 else 16)) - 1
    attributes = [known]
    attributes += [NETWORK] if version >= 4 else []
    attributes += [SCOPES] if version >= 6 else []
    packed = struct.pack(f"={len(attributes)}Q", *attributes)
    ruleset = _call(CREATE_RULESET, packed, len(packed), 0)
    mine = os.open(scratch, os.O_PATH | os.O_CLOEXEC)
    try:
        for fd, rights in (*rules, (mine, SCRATCH)):
            packed = struct.pack("=Qi", rights & known, fd)
            _call(ADD_RULE, ruleset, PATH_BENEATH, packed, 0)
        _call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(mine)
        os.close(ruleset)


def _open_rule(path: str, rights: int) -> Rule | None:
    with suppress(FileNotFoundError):
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        return fd, rights if Path(path).is_dir() else rights & OF_A_FILE
    return None


def _call(number: int, *arguments: int | bytes | None, needed: bool = True) -> int:
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = int(LIBC.syscall(ctypes.c_long(number), *words))
    if result < 0 and needed:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result

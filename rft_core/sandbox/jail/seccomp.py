"""Seccomp: a filter in the kernel that lets the process make only the system calls of a list.

The filter is a program of classic BPF, the small accumulator machine of tcpdump; it is assembled
here from `syscalls.py`, so no library is needed. It holds for the process and all its threads and
cannot be taken off. See seccomp(2) and the kernel's Documentation/userspace-api/seccomp_filter.rst.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import itertools
import os
import socket
import struct
import termios
from dataclasses import dataclass
from functools import cache

from rft_core.sandbox.jail.syscalls import ALWAYS, DEPENDS

# Opcodes: load a 32-bit word of seccomp_data, AND, jump if equal, jump if greater or equal, return.
LOAD, AND, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16  # offsets in seccomp_data
ALLOW, KILL_PROCESS, FAIL = 0x7FFF0000, 0x80000000, 0x00050000
X32_CALLS = 0x40000000  # x86-64's second set of numbers for the same calls
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column, audit number
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
PID_TO_COME = 0xFEDCBA98  # no process has such an id, and no system call such a number
LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_THREAD, CLONE_NAMESPACES = 0x00010000, 0x7E020080
WHOLE = 0xFFFFFFFF
FCNTL_COMMANDS = (
    fcntl.F_DUPFD,
    fcntl.F_DUPFD_CLOEXEC,
    fcntl.F_GETFD,
    fcntl.F_SETFD,
    fcntl.F_GETFL,
    fcntl.F_SETFL,
    fcntl.F_GETLK,
    fcntl.F_SETLK,
    fcntl.F_SETLKW,
    fcntl.F_OFD_GETLK,
    fcntl.F_OFD_SETLK,
    fcntl.F_OFD_SETLKW,
)  # not F_SETOWN and its like: they name a process to signal
IOCTL_QUESTIONS = (
    termios.TCGETS,  # is it a terminal?
    termios.TIOCGWINSZ,  # its size
    termios.FIONREAD,  # how much can be read
    termios.FIONBIO,  # do not wait
    termios.FIOCLEX,  # close on exec, or not
    termios.FIONCLEX,
)  # not TIOCSTI, which types into a terminal
PR_SET_NAME, PR_GET_NAME, PR_SET_VMA = 15, 16, 0x53564D41
PRCTL_NAMES = (PR_SET_NAME, PR_GET_NAME, PR_SET_VMA)  # of threads and memory areas

Instruction = tuple[int, int, int, int]  # opcode, jump if true, jump if false, constant


@dataclass(frozen=True)
class Rule:
    """Allowed where `argument & mask` is one of the values."""

    argument: int
    values: tuple[int, ...]
    mask: int = WHOLE
    high_half: bool = False  # look at the upper 32 bits of the argument


def get_rules(pid: int) -> dict[str, tuple[Rule, ...]]:
    """What the calls of `DEPENDS` may be asked for; all rules of a call must agree."""
    itself = Rule(0, (pid,))
    return {
        "clone": (Rule(0, (CLONE_THREAD,), CLONE_THREAD | CLONE_NAMESPACES),),  # threads only
        "kill": (itself,),
        "tgkill": (itself,),
        # A pair connected to itself (asyncio wakes up through one), and no address to send to.
        "socketpair": (Rule(0, (socket.AF_UNIX,)), Rule(1, (socket.SOCK_STREAM,), 0xF)),
        "sendto": (Rule(4, (0,)), Rule(4, (0,), high_half=True)),
        "prctl": (Rule(0, PRCTL_NAMES),),
        "prlimit64": (Rule(0, (0, pid)),),
        "fcntl": (Rule(1, FCNTL_COMMANDS),),
        "ioctl": (Rule(1, IOCTL_QUESTIONS),),
        # Other modes take space beyond a file's end, where its limit of size does not count.
        "fallocate": (Rule(1, (0,)),),
    }


def assemble(machine: str, pid: int) -> list[Instruction]:
    """The filter for a process of that id. Raises `KeyError` for a machine that is not listed."""
    column, audit_number = MACHINES[machine]
    program = [
        (LOAD, 0, 0, ARCHITECTURE_AT),
        (JUMP_EQUAL, 1, 0, audit_number),
        (RETURN, 0, 0, KILL_PROCESS),
        (LOAD, 0, 0, NUMBER_AT),
        (JUMP_AT_LEAST, 0, 1, X32_CALLS),
        (RETURN, 0, 0, KILL_PROCESS),
    ]
    for numbers in ALWAYS.values():
        if (number := numbers[column]) is not None:
            program += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    # clone3 hides its flags in memory: "no such call" makes the C library fall back to clone.
    program += _only_if(DEPENDS["clone3"][column], [(RETURN, 0, 0, FAIL | errno.ENOSYS)])
    for name, rules in get_rules(pid).items():
        body = [instruction for rule in rules for instruction in _check(rule)]
        program += _only_if(DEPENDS[name][column], [*body, (RETURN, 0, 0, ALLOW)])
    return [*program, (RETURN, 0, 0, FAIL | errno.EPERM)]


@cache
def get_template(machine: str) -> tuple[bytes, tuple[int, ...]]:
    """The filter's code, and where in it the process id goes: assembled once, before any fork."""
    program = assemble(machine, PID_TO_COME)
    code = struct.pack("=" + "HBBI" * len(program), *itertools.chain(*program))
    places = [8 * line + 4 for line, (*_, word) in enumerate(program) if word == PID_TO_COME]
    return code, tuple(places)


def install() -> None:
    """Filter this process from here on. Needs no_new_privs. Raises `OSError`, `KeyError`."""
    template, places = get_template(os.uname().machine)
    code = bytearray(template)
    for place in places:
        struct.pack_into("=I", code, place, os.getpid())
    buffer = (ctypes.c_char * len(code)).from_buffer(code)
    header = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    if LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0):
        raise OSError(ctypes.get_errno(), "the seccomp filter was not accepted")


def _only_if(number: int | None, body: list[Instruction]) -> list[Instruction]:
    """The body for that call; it must end in a return. The number is in the accumulator."""
    return [] if number is None else [(JUMP_EQUAL, 0, len(body), number), *body]


def _check(rule: Rule) -> list[Instruction]:
    """Go on if the argument is one of the values, else fail."""
    offset = ARGUMENTS_AT + 8 * rule.argument + (4 if rule.high_half else 0)
    count = len(rule.values)
    jumps = [(JUMP_EQUAL, count - index, 0, value) for index, value in enumerate(rule.values)]
    return [
        (LOAD, 0, 0, offset),
        (AND, 0, 0, rule.mask),
        *jumps,
        (RETURN, 0, 0, FAIL | errno.EPERM),
    ]

"""The filter's program, run by a small interpreter of its instructions: for both machines."""

import errno

import pytest

from rft_core.sandbox.jail import seccomp
from rft_core.sandbox.jail.syscalls import ALWAYS, DEPENDS

PID = 4321
DENIED, MISSING = seccomp.FAIL | errno.EPERM, seccomp.FAIL | errno.ENOSYS


def verdict(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """What the filter says about one call."""
    data = {seccomp.NUMBER_AT: number}
    data[seccomp.ARCHITECTURE_AT] = architecture or seccomp.MACHINES[machine][1]
    for index in range(6):
        argument = arguments[index] if index < len(arguments) else 0
        data[seccomp.ARGUMENTS_AT + 8 * index] = argument & seccomp.WHOLE
        data[seccomp.ARGUMENTS_AT + 8 * index + 4] = argument >> 32
    program, position, word = seccomp.assemble(machine, PID), 0, 0
    while True:
        code, if_true, if_false, constant = program[position]
        position += 1
        if code == seccomp.LOAD:
            word = data[constant]
        elif code == seccomp.AND:
            word &= constant
        elif code == seccomp.JUMP_EQUAL:
            position += if_true if word == constant else if_false
        elif code == seccomp.JUMP_AT_LEAST:
            position += if_true if word >= constant else if_false
        else:
            return constant


def call(machine: str, name: str, *arguments: int) -> int:
    number = (ALWAYS | DEPENDS)[name][seccomp.MACHINES[machine][0]]
    assert number is not None
    return verdict(machine, number, *arguments)


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_exactly_the_listed_calls_pass(machine):
    column = seccomp.MACHINES[machine][0]
    listed = {numbers[column] for numbers in ALWAYS.values()}
    depends = {numbers[column] for numbers in DEPENDS.values()}
    assert len(listed - {None}) == sum(numbers[column] is not None for numbers in ALWAYS.values())
    for number in range(600):
        if number not in depends:
            expected = seccomp.ALLOW if number in listed else DENIED
            assert verdict(machine, number) == expected, number


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_another_architecture_and_its_numbers_are_fatal(machine):
    assert verdict(machine, 0, architecture=0x40000003) == seccomp.KILL_PROCESS
    assert verdict(machine, seccomp.X32_CALLS + 1) == seccomp.KILL_PROCESS


@pytest.mark.parametrize("machine", seccomp.MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("clone", (0x3D0F00,), seccomp.ALLOW),  # pthread_create
        ("clone", (0x1200011,), DENIED),  # fork
        ("clone", (0x3D0F00 | 0x10000000,), DENIED),  # a thread in a new user namespace
        ("clone3", (0, 88), MISSING),
        ("kill", (PID, 9), seccomp.ALLOW),
        ("kill", (1, 9), DENIED),
        ("kill", ((1 << 32) - 1, 9), DENIED),  # everybody
        ("tgkill", (PID, PID, 6), seccomp.ALLOW),
        ("tgkill", (1, 1, 6), DENIED),
        ("socketpair", (1, 0x80801, 0), seccomp.ALLOW),
        ("socketpair", (1, 2, 0), DENIED),
        ("socketpair", (2, 1, 0), DENIED),
        ("sendto", (5, 1, 1, 0, 0, 0), seccomp.ALLOW),
        ("sendto", (5, 1, 1, 0, 0x7000, 16), DENIED),
        ("sendto", (5, 1, 1, 0, 0x7000 << 32, 16), DENIED),
        ("prctl", (15,), seccomp.ALLOW),
        ("prctl", (4, 1), DENIED),  # be readable by neighbours again
        ("prlimit64", (0, 7), seccomp.ALLOW),
        ("prlimit64", (1, 7), DENIED),
        ("fcntl", (3, 1030), seccomp.ALLOW),
        ("fcntl", (3, 8, 1), DENIED),  # F_SETOWN
        ("ioctl", (0, 0x5401), seccomp.ALLOW),
        ("ioctl", (0, 0x5412), DENIED),  # TIOCSTI
        ("fallocate", (3, 0, 0, 1), seccomp.ALLOW),
        ("fallocate", (3, 1, 0, 1), DENIED),  # beyond the end, where no limit of size counts
    ],
)
def test_what_depends_on_arguments(machine, name, arguments, expected):
    assert call(machine, name, *arguments) == expected

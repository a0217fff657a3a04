"""Notice what a candidate tries and must not, for a flag on its completion.

This protects nothing: the jail does, and it would without this file. Python announces risky actions
to a hook (PEP 578, "audit events"); the hook notes those that the jail stops anyway. What goes past
Python, through ctypes or a compiled library, is not noticed, except that ctypes was used; and the
candidate shares the memory in which the notes are kept.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

from rft_core.sandbox.jail.jail import STREAMS

NETWORK, FILE, PROCESS = "network", "file", "process"
CTYPES, INTROSPECTION = "ctypes", "introspection"

EVENTS = {
    NETWORK: """socket.__new__ socket.connect socket.bind socket.sendto socket.sendmsg
        socket.getaddrinfo socket.gethostbyname socket.gethostbyaddr""",
    FILE: """open os.listdir os.scandir os.remove os.rename os.mkdir os.rmdir os.link os.symlink
        os.truncate os.chmod os.chown os.utime os.chdir os.setxattr os.removexattr""",
    PROCESS: """subprocess.Popen os.system os.fork os.forkpty os.exec os.posix_spawn os.kill
        os.killpg resource.prlimit pty.spawn""",
    CTYPES: """ctypes.dlopen ctypes.dlsym ctypes.string_at ctypes.wstring_at ctypes.addressof
        ctypes.cdata ctypes.cdata/buffer""",
    INTROSPECTION: """gc.get_objects gc.get_referrers gc.get_referents sys._getframe
        sys._current_frames sys._current_exceptions sys.settrace sys.setprofile sys.addaudithook""",
}
KINDS = {event: kind for kind, events in EVENTS.items() for event in events.split()}
# Blocked, but what libraries look at when honest code calls them (how many CPUs? which system?).
HARMLESS = (
    *("/sys", "/proc/stat", "/proc/loadavg", "/proc/version", "/proc/mounts"),
    *("/etc/os-release", "/etc/mime.types", "/etc/localtime", "/etc/timezone"),
)
IMPORTING = "<frozen importlib._bootstrap>"
# Libraries that do this by themselves; it counts when the candidate is what called them.
WRAPPERS = {CTYPES: "/ctypes/", INTROSPECTION: "/inspect.py"}


class AttemptWatch:
    """An audit hook; `attempts` is what it noticed. It cannot be taken off its process again."""

    def __init__(self, allowed: Iterable[str], libraries: Iterable[str], ours: str) -> None:
        self.attempts: set[str] = set()
        self._allowed = tuple(path + "/" for path in (*allowed, *HARMLESS, os.getcwd()))  # noqa: PTH109
        self._libraries = ("<frozen ", *libraries)
        self._ours = (ours, os.path.dirname(self.notice.__code__.co_filename))  # noqa: PTH120
        self._process = os.getpid()
        sys.addaudithook(self.notice)

    def notice(self, event: str, arguments: tuple[Any, ...]) -> None:
        kind = KINDS.get(event)
        if kind is None or kind in self.attempts:
            return
        try:
            if self._is_forbidden(event, kind, arguments) and self._is_candidates(kind):
                self.attempts.add(kind)
        except Exception:  # an odd argument fails where it is used, not here
            return

    def _is_forbidden(self, event: str, kind: str, arguments: tuple[Any, ...]) -> bool:
        if event == "socket.__new__":
            return bool(arguments[1] != 1)  # asyncio wakes itself through a pair of Unix sockets
        if event == "os.kill":
            return bool(arguments[0] != self._process)
        if kind is FILE:
            paths = arguments[:1] if event == "open" else arguments[:2]
            return any(
                self._is_outside(os.fsdecode(path)) for path in paths if type(path) in (str, bytes)
            )
        return True

    def _is_outside(self, path: str) -> bool:
        if path in STREAMS:
            return False
        resolved = os.path.realpath(path)
        return not (resolved + "/").startswith(self._allowed)

    def _is_candidates(self, kind: str) -> bool:
        """Not what our program does, nor a library of its own accord while it is imported."""
        frame = _get_frame_above_notice()
        while frame:
            name = frame.f_code.co_filename
            if not name.startswith(self._libraries):
                return not name.startswith(self._ours)
            if kind in WRAPPERS:
                if WRAPPERS[kind] not in name:
                    return False
            elif name == IMPORTING:
                return False
            frame = frame.f_back
        return False


def _get_frame_above_notice() -> FrameType | None:
    """Without `sys._getframe`, which is an event itself: noticing it would never end."""
    try:
        raise LookupError
    except LookupError as error:
        own = error.__traceback__.tb_frame if error.__traceback__ else None
    is_candidates = own.f_back if own else None
    notice = is_candidates.f_back if is_candidates else None
    return notice.f_back if notice else None

"""One read for all viewers: what one session has read of a run, the others take as it is.

Ten tabs on a run would otherwise read every new step ten times, beside the training that they
watch. What is kept here must not be changed by whoever gets it.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

T = TypeVar("T")
MOST_KEPT = 64


@dataclass
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    revision: Hashable = None
    value: Any = None


class SharedReads:
    """The newest value by key, read again when its revision is another one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def get(self, key: Hashable, revision: Hashable, read: Callable[[T | None], T]) -> T:
        """`read` gets what was known before (or None), and runs once for all who ask meanwhile.

        Take the revision before: what is written during the read is then read the next time.
        """
        kept = self._find(key)
        with kept.lock:
            if kept.revision != revision:
                kept.value, kept.revision = read(kept.value), revision
            value: T = kept.value
        return value

    def _find(self, key: Hashable) -> _Kept:
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return kept


@st.cache_resource(show_spinner=False)
def shared_reads() -> SharedReads:
    """Those of this server's process."""
    return SharedReads()

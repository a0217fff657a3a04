"""Backends: where workers live. They start, stop and kill them, and say which are alive."""

from rft_core.jobs.backends.backend import Backend, WorkerEnd
from rft_core.jobs.backends.local import LocalBackend, read_handle

__all__ = ["Backend", "LocalBackend", "WorkerEnd", "read_handle"]

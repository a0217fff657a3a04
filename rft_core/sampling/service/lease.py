"""Who has the device: a training, while it runs, goes before the generation service.

A worker holds the lease file of its runs folder, shared with other workers, for as long as its
model is in memory; the kernel frees it however the worker dies. Before it loads, it asks the
service to give back what it holds. While the lease is held, the service loads a model only where
the memory suffices for both, so that a chat beside a small training goes on. Torch-free.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from rft_core.errors import ModelUnavailableError, RftError
from rft_core.hardware import GIB, get_hardware
from rft_core.paths import get_device_lease_path
from rft_core.sampling.service.client import GenerationClient

ROOM = 1.3  # what a model needs to be used, by what its weights need


@dataclass(frozen=True)
class Holder:
    """The run that has the device, and the bytes that it will need at most."""

    run: str
    pid: int
    memory_bytes: int


@contextmanager
def hold_device(runs_dir: Path, run_id: str, memory_bytes: int | None) -> Iterator[None]:
    """Within, the device is this run's, and the service has unloaded its model.

    A service that cannot be asked keeps nobody from training. Of several workers at once, the
    file names the latest.
    """
    descriptor = os.open(
        get_device_lease_path(runs_dir), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        words = json.dumps(asdict(Holder(run_id, os.getpid(), memory_bytes or 0)))
        with suppress(OSError):  # on a full disk nobody is named: the lock is what counts
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, words.encode(), 0)
        with suppress(RftError, OSError):
            GenerationClient(runs_dir).free(f"the run {run_id}")
        yield
    finally:
        os.close(descriptor)


def read_holder(runs_dir: Path) -> Holder | None:
    """The training that has the device now; None where there is none."""
    try:
        descriptor = os.open(get_device_lease_path(runs_dir), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        try:
            return Holder(**json.loads(os.pread(descriptor, 4096, 0)))
        except (ValueError, TypeError):
            return Holder("a run", 0, 0)
    finally:
        os.close(descriptor)
    return None


def require_room(runs_dir: Path, model: str, weight_bytes: int) -> None:
    """Raises ModelUnavailableError where a training has the device and leaves no room for this."""
    holder = read_holder(runs_dir)
    if holder is None:
        return
    free = _free_bytes()
    reserved = max(0, holder.memory_bytes - _used_bytes(holder.pid))  # it has yet to ask for this
    needed = int(weight_bytes * ROOM)
    if needed > free - reserved:
        raise ModelUnavailableError(
            f"'{model}' cannot be loaded while {holder.run} trains",
            f"It needs about {needed / GIB:.1f} GiB; {free / GIB:.1f} GiB are free, of which the "
            f"training will need {reserved / GIB:.1f}",
            "Wait until the training has ended, or stop it: it goes on from its last checkpoint",
        )


def _free_bytes() -> int:
    """Of the GPU where there is one, else of the machine."""
    if get_hardware().gpus:
        import torch

        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)


def _used_bytes(pid: int) -> int:
    """What a worker has of the machine's memory. On a GPU its share is not known: nothing."""
    if get_hardware().gpus:
        return 0
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0

"""What this machine has: cores, memory, disk, GPUs. Read without torch, in milliseconds.

It says what is there, not what is enough: see `planning`.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

GIB = 1024**3
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # of x86 and of ARM
# SQLite's locks and memory-mapped WAL are not reliable on these.
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "sshfs", "fuse.sshfs", "9p", "ceph", "glusterfs",
     "lustre", "beegfs", "afs", "gpfs", "fuse.s3fs", "fuse.gcsfuse"}
)  # fmt: skip


@dataclass(frozen=True)
class Gpu:
    name: str
    memory: int
    free_memory: int


@dataclass(frozen=True)
class Hardware:
    """Sizes are in bytes; `memory` and `free_memory` are the machine's RAM.

    `has_bfloat16`: whether its CPU multiplies such numbers itself; None where it does not say.
    """

    cores: int
    memory: int
    free_memory: int
    gpus: tuple[Gpu, ...]
    has_bfloat16: bool | None = None

    def describe(self) -> str:
        """One line for people: '2 cores · 23 GiB memory · no GPU'."""
        names = [f"{gpu.name} ({gpu.memory / GIB:.0f} GiB)" for gpu in self.gpus]
        cores = f"{self.cores} core{'s' if self.cores != 1 else ''}"
        return f"{cores} · {self.memory / GIB:.0f} GiB memory · {', '.join(names) or 'no GPU'}"


def get_hardware() -> Hardware:
    memory = psutil.virtual_memory()
    return Hardware(
        cores=len(_list_cores()),
        memory=int(memory.total),
        free_memory=int(memory.available),
        gpus=_list_gpus(),
        has_bfloat16=_has_bfloat16(),
    )


def measure_busy_cores(seconds: float) -> float:
    """How many of the cores that we may use others compute on, on average while this waits.

    Not a load average: that still counts, for minutes, what has ended, and what we did ourselves.
    """
    own = psutil.Process()
    before = _cpu_seconds(own)
    shares = psutil.cpu_percent(seconds, percpu=True)
    ours = (_cpu_seconds(own) - before) / seconds
    used = [shares[core] for core in _list_cores() if core < len(shares)] or shares
    return max(0.0, sum(used) / 100 - ours)


def _list_cores() -> list[int]:
    """Those that this process may use: a container often has fewer than the machine."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def get_free_disk(folder: Path) -> int:
    """Free bytes where `folder` is, or will be made."""
    return shutil.disk_usage(_nearest_existing(folder)).free


def get_network_mount(folder: Path) -> str | None:
    """The file system's type if `folder` is on a network mount, else None."""
    best: tuple[int, str] | None = None
    path = _nearest_existing(folder).resolve()
    for partition in psutil.disk_partitions(all=True):
        mount = Path(partition.mountpoint)
        if path.is_relative_to(mount) and (best is None or len(mount.parts) >= best[0]):
            best = (len(mount.parts), partition.fstype)
    return best[1] if best and best[1] in NETWORK_FILE_SYSTEMS else None


def _nearest_existing(folder: Path) -> Path:
    path = folder.absolute()
    while not path.exists():
        path = path.parent
    return path


@cache
def _has_bfloat16(path: Path = Path("/proc/cpuinfo")) -> bool | None:
    try:
        text = path.read_text()
    except OSError:
        return None
    lines = [line for line in text.splitlines() if line.lower().startswith(("flags", "features"))]
    return any(BFLOAT16_FLAGS & set(line.split()) for line in lines) if lines else None


@cache
def _has_nvidia_driver() -> bool:
    """Whether NVML can be loaded: asked once, since a failed search costs milliseconds."""
    try:
        import pynvml
    except ImportError:
        return False
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return False
    return True


def _list_gpus() -> tuple[Gpu, ...]:
    if not _has_nvidia_driver():
        return ()
    import pynvml

    handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    gpus = []
    for handle in handles:
        memory, name = pynvml.nvmlDeviceGetMemoryInfo(handle), pynvml.nvmlDeviceGetName(handle)
        text = name.decode() if isinstance(name, bytes) else str(name)
        gpus.append(Gpu(text, int(memory.total), int(memory.free)))
    return tuple(gpus)

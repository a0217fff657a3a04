"""What the machine has, as far as it can be checked without knowing the machine."""

import os
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from rft_core.hardware import (
    GIB,
    Gpu,
    Hardware,
    _has_bfloat16,
    get_free_disk,
    get_hardware,
    get_network_mount,
)

Partition = namedtuple("Partition", "mountpoint fstype")


def test_this_machine_is_described() -> None:
    hardware = get_hardware()
    assert 1 <= hardware.cores <= (os.cpu_count() or 1)
    assert 0 < hardware.free_memory <= hardware.memory
    assert "core" in hardware.describe()


def test_the_description_names_the_gpus() -> None:
    gpu = Gpu("NVIDIA H100", 80 * GIB, 70 * GIB)
    assert Hardware(1, 8 * GIB, GIB, ()).describe() == "1 core · 8 GiB memory · no GPU"
    assert "NVIDIA H100 (80 GiB)" in Hardware(8, 8 * GIB, GIB, (gpu,)).describe()


def test_free_disk_of_a_folder_that_does_not_exist_yet(tmp_path: Path) -> None:
    assert get_free_disk(tmp_path / "a" / "b") > 0


def test_the_nearest_mount_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = [
        Partition("/", "ext4"),
        Partition(str(tmp_path), "nfs4"),
        Partition(str(tmp_path / "local"), "ext4"),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)
    (tmp_path / "local").mkdir()
    assert get_network_mount(tmp_path / "runs") == "nfs4"
    assert get_network_mount(tmp_path / "local" / "runs") is None
    assert get_network_mount(Path("/")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor: 0\nflags\t\t: fpu avx512f avx512_bf16\n", True),
        ("processor: 0\nFeatures\t: fp asimd bf16\n", True),
        ("processor: 0\nflags\t\t: fpu avx2\nbugs: bf16\n", False),
        ("processor: 0\n", None),
    ],
)
def test_a_cpu_says_whether_it_multiplies_bfloat16(
    tmp_path: Path, text: str, expected: bool | None
) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    assert _has_bfloat16(path) is expected
    assert _has_bfloat16(tmp_path / "none") is None

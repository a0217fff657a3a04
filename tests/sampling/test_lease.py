"""The device lease, with a service and a worker that are real processes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from rft_core.errors import ModelUnavailableError, RftError
from rft_core.paths import PROJECT_ROOT, get_device_lease_path
from rft_core.sampling.service import lease, server
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.lease import hold_device, read_holder, require_room
from rft_core.sampling.service.messages import Lane, SamplingParams, TextDelta
from tests.sampling.processes import service_folder

PROMPTS = [[{"role": "user", "content": "Hello"}]]
PARAMS = SamplingParams(max_completion_length=12)

# A worker up to the moment at which it would load its model; it goes on when a line comes in.
WORKER = """
import sys, json
from pathlib import Path
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.lease import hold_device
runs_dir = Path(sys.argv[1])
before = GenerationClient(runs_dir).status().model
with hold_device(runs_dir, "a-run", int(sys.argv[2])):
    after = GenerationClient(runs_dir).status()
    print(json.dumps([before, after.model, after.memory_bytes]), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def runs_dir(tmp_path: Path) -> Iterator[Path]:
    with service_folder(tmp_path) as folder:
        yield folder


def start_worker(runs_dir: Path, memory_bytes: int = 0) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(runs_dir), str(memory_bytes)],
        cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_the_service_gives_its_model_back_before_a_worker_loads(runs_dir: Path, tiny_model: Path):
    client = GenerationClient(runs_dir)
    client.sample(str(tiny_model), PROMPTS, 1, PARAMS)
    with start_worker(runs_dir) as worker:
        assert worker.stdout and worker.stdin
        before, after, _ = json.loads(worker.stdout.readline())
        assert (before, after) == (str(tiny_model), None)
        holder = read_holder(runs_dir)
        assert holder is not None
        assert (holder.run, holder.pid) == ("a-run", worker.pid)
        # On a machine with room for both, a chat beside the training still works.
        assert client.sample(str(tiny_model), PROMPTS, 1, PARAMS)
        worker.stdin.write("done\n")
    assert read_holder(runs_dir) is None
    assert client.sample(str(tiny_model), PROMPTS, 1, PARAMS)


def test_beside_a_training_that_needs_all_memory_nothing_is_loaded(
    runs_dir: Path, tiny_model: Path
):
    client = GenerationClient(runs_dir)
    client.sample(str(tiny_model), PROMPTS, 1, PARAMS)
    with start_worker(runs_dir, memory_bytes=2**60) as worker:
        assert worker.stdout and worker.stdin
        worker.stdout.readline()
        with pytest.raises(ModelUnavailableError, match="while a-run trains"):
            client.sample(str(tiny_model), PROMPTS, 1, PARAMS)
        assert client.render(str(tiny_model), PROMPTS)  # which needs no weights
        worker.kill()
    assert client.sample(str(tiny_model), PROMPTS, 1, PARAMS)  # the kernel has freed the lease


def test_an_answer_under_way_is_broken_off_with_a_sentence(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(server, "PATIENCE_SECONDS", 0.0)
    service = server.Service(tmp_path, tmp_path / "s", idle_timeout=60)
    with service, service.turn:
        asked = SimpleNamespace(server=service, _raise_if_gone=lambda: None)
        raise_if_unwanted = server.Connection._raise_if_unwanted
        raise_if_unwanted(asked)  # type: ignore[arg-type]
        service.wanted_by = "the run r"
        with pytest.raises(RftError, match="the run r needs the memory"):
            raise_if_unwanted(asked)  # type: ignore[arg-type]


def test_a_stream_in_a_real_service_ends_when_a_training_wants_the_memory(
    runs_dir: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("RFT_FREE_PATIENCE", "0")
    client = GenerationClient(runs_dir)
    long = SamplingParams(max_completion_length=1900)
    stream = client.stream(str(tiny_model), PROMPTS[0], [Lane("base")], long)
    while not isinstance(next(stream), TextDelta):
        pass
    client.free("the run r")
    assert client.status().model is None  # type: ignore[union-attr]
    with pytest.raises(RftError, match="the run r needs the memory"):
        list(stream)


def test_without_a_service_a_training_just_begins(tmp_path: Path):
    with hold_device(tmp_path, "r", None):
        holder = read_holder(tmp_path)
        assert holder is not None and holder.pid == os.getpid()
        with hold_device(tmp_path, "another", None):  # runs may train side by side
            pass
        assert read_holder(tmp_path) is not None
    assert read_holder(tmp_path) is None
    assert GenerationClient(tmp_path).status() is None


def test_a_lease_that_cannot_be_read_still_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lease, "_free_bytes", lambda: 1000)
    with hold_device(tmp_path, "r", 0):
        get_device_lease_path(tmp_path).write_text("[1, 2]")
        assert read_holder(tmp_path) is not None
        require_room(tmp_path, "m", 100)
        with pytest.raises(ModelUnavailableError, match="cannot be loaded while"):
            require_room(tmp_path, "m", 1000)
    require_room(tmp_path, "m", 1000)

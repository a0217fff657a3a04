"""The generation service as a real process: started on demand, shared, cancelled, killed, idle."""

import io
import json
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import pytest

from rft_core.config import RunConfig
from rft_core.errors import BadInputError, ModelUnavailableError, RftError
from rft_core.hardware import get_hardware
from rft_core.paths import get_generation_log_path
from rft_core.sampling.loading.models import load_base
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.connection import ensure_service, get_socket_path, open_request
from rft_core.sampling.service.messages import (
    PROTOCOL_VERSION,
    ControlRequest,
    Dtype,
    Lane,
    LaneDone,
    LoadProgress,
    SampledGroup,
    SamplingParams,
    TextDelta,
    parse_event,
    write_event,
)
from rft_core.sampling.settings import EngineSettings, choose_engine, find_obstacle, run_settings
from rft_core.sampling.transformers_engine import TransformersEngine
from rft_core.types import Completion
from tests.sampling.processes import service_folder, wait_for_exit
from tests.tiny_model import make_tiny_model

PROMPTS = [[{"role": "user", "content": text}] for text in ("Hello", "né 🙂")]
PARAMS = SamplingParams(max_completion_length=12)
LONG = SamplingParams(max_completion_length=30_000)


@pytest.fixture(scope="module")
def endless_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is left, killed or waited for must not have ended before."""
    folder = tmp_path_factory.mktemp("endless-model")
    return make_tiny_model(folder, positions=32_768, endless=True)


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with service_folder(tmp_path_factory.mktemp("runs")) as folder:
        yield folder


@pytest.fixture(scope="module")
def client(runs_dir: Path) -> GenerationClient:
    return GenerationClient(runs_dir)


def read_log(folder: Path) -> str:
    return get_generation_log_path(folder).read_text()


def test_two_clients_starting_at_once_share_one_service(tiny_model: Path, tmp_path: Path):
    with service_folder(tmp_path), ThreadPoolExecutor() as pool:
        assert GenerationClient(tmp_path).status() is None
        answers = pool.map(
            lambda _: GenerationClient(tmp_path).sample(str(tiny_model), PROMPTS, 3, PARAMS),
            range(2),
        )
        first, second = answers
        assert first == second
        assert [len(group) for group in first] == [3, 3]
        assert read_log(tmp_path).count(" as process ") == 1
        assert stat.S_IMODE(get_socket_path(tmp_path).stat().st_mode) == 0o600


def test_another_model_replaces_the_resident_one_and_progress_is_reported(
    client, tiny_model: Path, tmp_path: Path
):
    client.sample(str(tiny_model), PROMPTS, 1, PARAMS)
    other = make_tiny_model(tmp_path, seed=1)
    seen: list[LoadProgress] = []
    client.sample(str(other), PROMPTS, 2, PARAMS, on_progress=seen.append)
    assert client.status().model == str(other)
    messages = [progress.message for progress in seen]
    assert f"loading {other}" in messages
    assert messages[-1] == "sampled 4 of 4"
    assert seen[-1].fraction == 1


def test_the_model_is_loaded_in_the_precision_that_is_asked_for(runs_dir, tiny_model: Path):
    def logprobs(dtype: Dtype) -> list[float]:
        client = GenerationClient(runs_dir, EngineSettings(dtype=dtype))
        groups = client.sample(str(tiny_model), PROMPTS, 2, PARAMS)
        return [completion.logprob for group in groups for completion in group]

    for dtype in ("float32", "bfloat16", "float32"):
        engine = TransformersEngine("tiny", *load_base(str(tiny_model), dtype))
        expected = [c.logprob for _, group in engine.sample(PROMPTS, 2, PARAMS) for c in group]
        assert logprobs(dtype) == pytest.approx(expected, abs=1e-6)
    assert logprobs("float32") != pytest.approx(logprobs("bfloat16"), abs=1e-6)


def test_whether_an_engine_can_run_is_asked_of_the_engine(monkeypatch: pytest.MonkeyPatch):
    def install(version: str | None) -> None:
        def find(name: str) -> str:
            if version is None:
                raise metadata.PackageNotFoundError(name)
            return version

        monkeypatch.setattr(metadata, "version", find)

    config, has_gpu = RunConfig(engine="vllm"), bool(get_hardware().gpus)
    assert choose_engine(RunConfig(engine="transformers")) == "transformers"
    install(None)
    assert "not installed" in find_obstacle("vllm")
    assert choose_engine(config) == "transformers"
    install("0.31.0")
    assert choose_engine(config) == ("vllm" if has_gpu else "transformers")
    install("0.31.0+cpu")  # which needs no GPU
    assert run_settings(config).engine == "vllm"


def test_the_engines_settings_are_the_runs():
    config = RunConfig(dtype="bfloat16", vllm_gpu_memory_utilization=0.4, vllm_max_model_length=900)
    settings = run_settings(config)
    assert (settings.dtype, settings.memory_share, settings.max_length) == ("bfloat16", 0.4, 900)


def test_streamed_lanes_equal_sampling(client, tiny_model: Path, adapters: list[Path]):
    lanes = [Lane("base"), Lane("tuned", adapters[0])]
    events = list(client.stream(str(tiny_model), PROMPTS[1], lanes, PARAMS))
    done = {event.lane: event.completion for event in events if isinstance(event, LaneDone)}
    for lane in lanes:
        [[sampled]] = client.sample(str(tiny_model), PROMPTS[1:], 1, PARAMS, adapter=lane.adapter)
        assert done[lane.label].token_ids == sampled.token_ids
        deltas = [e for e in events if isinstance(e, TextDelta) and e.lane == lane.label]
        assert "".join(delta.text for delta in deltas) == sampled.text
        assert deltas[-1].tokens_per_second > 0
    order = [event.lane for event in events if isinstance(event, TextDelta)]
    assert order[:4] == ["base", "tuned", "base", "tuned"]


def test_each_lane_may_have_its_own_conversation_and_its_own_sample(
    client, tiny_model: Path, adapters: list[Path]
):
    talked = [*PROMPTS[0], {"role": "assistant", "content": "Yes?"}, PROMPTS[1][0]]
    lanes = [
        Lane("first"), Lane("second", index=1), Lane("tuned", adapters[0], index=1),
        Lane("on its own", adapters[0], talked),
    ]  # fmt: skip
    events = client.stream(str(tiny_model), PROMPTS[0], lanes, PARAMS)
    done = {event.lane: event.completion for event in events if isinstance(event, LaneDone)}
    [base] = client.sample(str(tiny_model), PROMPTS[:1], 2, PARAMS)
    [tuned] = client.sample(str(tiny_model), PROMPTS[:1], 2, PARAMS, adapter=adapters[0])
    [[alone]] = client.sample(str(tiny_model), [talked], 1, PARAMS, adapter=adapters[0])
    expected = [*base, tuned[1], alone]
    assert [done[lane.label].token_ids for lane in lanes] == [c.token_ids for c in expected]
    assert len({completion.token_ids for completion in done.values()}) == 4


def test_the_status_names_model_and_adapters(client, tiny_model: Path, adapters: list[Path]):
    client.sample(str(tiny_model), PROMPTS, 1, PARAMS, adapter=adapters[0])
    status = client.status()
    assert status.model == str(tiny_model)
    assert str(adapters[0]) in status.adapters
    assert status.memory_bytes > 10e6
    assert not status.busy


def test_hanging_up_stops_the_stream_and_frees_the_model(client, runs_dir, endless_model: Path):
    stream = client.stream(str(endless_model), PROMPTS[0], [Lane("base")], LONG)
    while not isinstance(next(stream), TextDelta):
        pass
    stream.close()
    before = read_log(runs_dir).count("client left during stream")
    client.sample(str(endless_model), PROMPTS, 1, PARAMS)  # waits its turn
    assert read_log(runs_dir).count("client left during stream") >= max(before, 1)
    assert not client.status().busy


def test_an_exception_while_watching_progress_cancels(client, endless_model: Path):
    def give_up(progress: LoadProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.sample(str(endless_model), PROMPTS * 50, 8, LONG, on_progress=give_up)
    assert client.sample(str(endless_model), PROMPTS, 1, PARAMS)


def test_a_second_request_waits_and_is_told_so(client, endless_model: Path):
    stream = client.stream(str(endless_model), PROMPTS[0], [Lane("base")], LONG)
    while not isinstance(next(stream), TextDelta):
        pass
    seen: list[str] = []
    waiting = threading.Event()

    def watch(progress: LoadProgress) -> None:
        seen.append(progress.message)
        waiting.set()

    with ThreadPoolExecutor() as pool:
        answer = pool.submit(
            client.sample, str(endless_model), PROMPTS, 1, PARAMS, on_progress=watch
        )
        assert waiting.wait(30)
        assert client.status().busy
        stream.close()
        assert len(answer.result(timeout=60)) == 2
    assert seen[0] == "waiting for another request to finish"


def test_a_killed_service_is_reported_and_replaced(endless_model: Path, tmp_path: Path):
    with service_folder(tmp_path):
        client = GenerationClient(tmp_path)
        stream = client.stream(str(endless_model), PROMPTS[0], [Lane("base")], LONG)
        while not isinstance(next(stream), TextDelta):
            pass
        killed = client.status().pid
        os.kill(killed, signal.SIGKILL)
        with pytest.raises(RftError, match="died while answering"):
            list(stream)
        assert client.sample(str(endless_model), PROMPTS, 1, PARAMS)
        assert client.status().pid != killed


def test_an_idle_service_leaves(tmp_path: Path):
    ensure_service(tmp_path, idle_timeout=0.2).close()
    wait_for_exit(tmp_path)
    assert GenerationClient(tmp_path).status() is None
    assert "idle for" in read_log(tmp_path)


def test_a_service_of_another_version_is_replaced(tmp_path: Path, monkeypatch):
    def ask() -> None:
        open_request(tmp_path, ControlRequest(request="status"), idle_timeout=60).close()

    with service_folder(tmp_path):
        ask()
        old = GenerationClient(tmp_path).status().pid
        monkeypatch.setattr(
            "rft_core.sampling.service.connection.PROTOCOL_VERSION", PROTOCOL_VERSION + 1
        )
        with pytest.raises(RftError, match="does not accept requests"):
            ask()  # whoever is started speaks the present version as well
        monkeypatch.undo()
        ask()
        assert GenerationClient(tmp_path).status().pid != old


def test_rendering_needs_no_weights(client, tiny_model: Path, tmp_path: Path):
    for path in tiny_model.iterdir():
        if path.suffix != ".safetensors":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    [first, second] = client.render(str(tmp_path), PROMPTS)
    assert first.text == "<|user|>Hello<|end|><|assistant|>"
    assert len(second.pieces) == len(second.token_ids)


def test_a_missing_model_is_named_at_once(client, tmp_path: Path):
    for name in (str(tmp_path / "nowhere"), str(tmp_path), "embedded/nothing"):
        with pytest.raises(ModelUnavailableError) as caught:
            client.sample(name, PROMPTS, 1, PARAMS)
        assert Path(name).name in caught.value.what
        assert caught.value.why


def test_bad_requests_come_back_as_bad_input(client, tiny_model: Path):
    too_long = SamplingParams(max_completion_length=5000)
    with pytest.raises(BadInputError, match="2048 positions"):
        client.sample(str(tiny_model), PROMPTS, 1, too_long)
    with pytest.raises(BadInputError, match="conversation is empty"):
        client.sample(str(tiny_model), [[]], 1, PARAMS)


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"null",
        b"{}",
        b'{"request": "dance"}',
        b'{"request": "sample", "model": 3}',
        b'{"request": "render", "model": "m", "prompts": [[{"role": "user", "content": 3}]]}',
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"request": "status", "more": 1}',
    ],
    ids=range(9),
)
def test_what_is_no_request_is_answered_with_one_sentence(runs_dir: Path, line: bytes):
    with ensure_service(runs_dir, idle_timeout=60) as connection:
        connection.sendall(line + b"\n")
        replies = connection.makefile("rb").read().splitlines()
    assert [json.loads(reply)["event"] for reply in replies] == ["accepted", "error"]
    error = json.loads(replies[-1])
    assert error["kind"] == "BadInputError"
    assert "cannot be understood" in error["what"] and len(error["why"]) < 500
    assert GenerationClient(runs_dir).status() is not None


def test_numbers_that_json_does_not_know_cross_the_socket():
    completion = Completion("a\u2028b\n", (1, 2), False, float("-inf"))
    file = io.BytesIO()
    write_event(file, SampledGroup(0, (completion,)))
    assert file.getvalue().count(b"\n") == 1
    assert parse_event(file.getvalue()) == SampledGroup(0, (completion,))


def test_what_cannot_be_sent_is_bad_input(runs_dir: Path):
    odd = [[{"role": "user", "content": "\ud800"}]]
    with pytest.raises(BadInputError):
        GenerationClient(runs_dir).sample("embedded/countdown", odd, 1, PARAMS)
    with pytest.raises(BadInputError):
        GenerationClient(runs_dir).sample("embedded/countdown", PROMPTS, 0, PARAMS)


def test_a_deep_runs_folder_gets_a_short_socket_path(tmp_path: Path):
    deep = tmp_path / ("d" * 120)
    path = get_socket_path(deep)
    assert len(os.fsencode(path)) < 108
    assert path == get_socket_path(deep) != get_socket_path(tmp_path / ("e" * 120))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_client_loads_no_torch():
    command = "import rft_core.sampling.service.client, sys; assert 'torch' not in sys.modules"
    assert os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-c", command) == 0

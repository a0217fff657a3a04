"""Models from the hub, through the service: downloaded with progress, or clearly not available."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rft_core.errors import ModelUnavailableError
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.messages import LoadProgress, SamplingParams
from rft_core.store.run_reader import list_attempts, open_run
from tests.sampling.fake_hub import serve_hub
from tests.sampling.processes import service_folder
from tests.tiny_run import add_tiny_run, start_worker

PROMPTS = [[{"role": "user", "content": "Hello"}]]
PARAMS = SamplingParams(max_completion_length=5)


@pytest.fixture(scope="module")
def client(
    tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GenerationClient]:
    """Of a service that knows only the fake hub, with an empty download cache."""
    folder = tmp_path_factory.mktemp("hub")
    with (
        serve_hub(tiny_model) as address,
        pytest.MonkeyPatch.context() as environment,
        service_folder(folder / "runs") as runs_dir,
    ):
        environment.setenv("HF_ENDPOINT", address)
        environment.setenv("HF_HUB_CACHE", str(folder / "cache"))
        yield GenerationClient(runs_dir)


def test_a_hub_model_is_downloaded_with_progress(client: GenerationClient, tiny_model: Path):
    seen: list[LoadProgress] = []
    client.render("nobody/tiny", PROMPTS)  # downloads the tokenizer, not the weights
    groups = client.sample("nobody/tiny", PROMPTS, 1, PARAMS, on_progress=seen.append)
    assert groups == client.sample(str(tiny_model), PROMPTS, 1, PARAMS)
    downloads = [progress for progress in seen if progress.message.startswith("downloading")]
    assert downloads
    assert downloads[-1].fraction == pytest.approx(1)


def test_a_run_trains_on_a_model_that_must_be_downloaded_first(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    add_tiny_run(tmp_path, Path("nobody/tiny"), max_steps=1, eval_steps=0, save_steps=0)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    with serve_hub(tiny_model) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        start_worker(tmp_path).wait(timeout=120)
    with open_run(tmp_path, "tiny") as db:
        [attempt] = list_attempts(db)
    assert attempt.outcome == "finished", attempt.message


def test_unknown_and_gated_models_are_told_apart(client: GenerationClient):
    with pytest.raises(ModelUnavailableError, match="no model 'nobody/nothing'"):
        client.render("nobody/nothing", PROMPTS)
    with pytest.raises(ModelUnavailableError, match="'nobody/gated' is gated"):
        client.render("nobody/gated", PROMPTS)


def test_without_a_network_the_message_comes_soon(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    started = time.monotonic()
    with (
        service_folder(tmp_path / "runs") as folder,
        pytest.raises(ModelUnavailableError, match="could not be downloaded") as caught,
    ):
        GenerationClient(folder).render("nobody/nothing", PROMPTS)
    assert "embedded/countdown" in caught.value.fix
    assert time.monotonic() - started < 45

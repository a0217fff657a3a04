"""Pushing to a hub on the loopback: what arrives, who sees it, and what is told where it fails."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rft_core.errors import BadInputError, RftError
from rft_core.export import carry_out
from rft_core.export.hub import check_push, push_folder
from rft_core.paths import get_adapter_dir, get_export_log_path, get_run_dir
from rft_core.store.exports import ExportRequest, get_export
from tests.export.loopback_hub import OWNER, TOKEN, LoopbackHub, serve_loopback_hub
from tests.tiny_model import make_tiny_adapter, make_tiny_model
from tests.tiny_run import add_tiny_run

NAME = f"{OWNER}/tuned"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    with serve_loopback_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield hub


@pytest.fixture
def runs_dir(tmp_path: Path, model: Path) -> Path:
    runs_dir = tmp_path / "runs"
    add_tiny_run(runs_dir, model)
    make_tiny_adapter(model, get_adapter_dir(runs_dir, "tiny"))
    return runs_dir


def ask(tmp_path: Path, push: str = NAME, **more: object) -> ExportRequest:
    return ExportRequest("tiny", str(tmp_path / "out"), push=push, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("merged", [False, True])
def test_what_was_pushed_is_what_was_exported(
    hub: LoopbackHub, runs_dir: Path, tmp_path: Path, merged: bool
) -> None:
    result = carry_out(runs_dir, ask(tmp_path, merged=merged))
    assert result.pushed_to == f"{hub.url}/{NAME}"
    arrived = hub.repositories[NAME]
    assert set(arrived) == set(result.files)
    for name, content in arrived.items():
        assert content == (tmp_path / "out" / name).read_bytes()
    manifest = json.loads(arrived["manifest.json"])
    for name, digest in manifest["files"].items():
        assert hashlib.sha256(arrived[name]).hexdigest() == digest
    assert hub.private[NAME] is True  # nobody said public
    assert len(hub.commits) == 1 and "tiny" in hub.commits[0]


def test_a_merged_model_comes_back_from_the_hub_and_loads(
    hub: LoopbackHub, runs_dir: Path, tmp_path: Path
) -> None:
    import torch
    from huggingface_hub import HfApi
    from transformers import AutoModelForCausalLM

    carry_out(runs_dir, ask(tmp_path, merged=True))
    folder = HfApi(endpoint=hub.url, token=TOKEN).snapshot_download(
        NAME, cache_dir=tmp_path / "cache"
    )
    got = AutoModelForCausalLM.from_pretrained(folder).state_dict()
    kept = AutoModelForCausalLM.from_pretrained(tmp_path / "out").state_dict()
    assert got.keys() == kept.keys()
    assert all(torch.equal(got[name], kept[name]) for name in kept)


def test_the_token_is_neither_stored_nor_told(
    hub: LoopbackHub, runs_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    carry_out(runs_dir, ask(tmp_path))
    with pytest.raises(RftError) as refused:
        push_folder(tmp_path / "out", "another/tuned", public=False, message="")
    told = "".join([*capfd.readouterr(), str(refused.value)])
    assert TOKEN not in told and "choose a name of your own" in told
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path
    assert all(TOKEN.encode() not in content for content in hub.repositories[NAME].values())


def test_public_is_made_only_where_it_is_asked_for(
    hub: LoopbackHub, runs_dir: Path, tmp_path: Path
) -> None:
    carry_out(runs_dir, ask(tmp_path, public=True))
    assert hub.private[NAME] is False


def test_a_push_that_failed_is_tried_again_without_exporting_again(
    hub: LoopbackHub, runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RftError, match="The export itself is in"):
        carry_out(runs_dir, ask(tmp_path, push="another/tuned"))
    written = (tmp_path / "out" / "manifest.json").stat().st_mtime_ns
    record = get_export(runs_dir, "tiny")
    assert record and record.state == "failed" and "another/tuned" in record.error[0]
    carry_out(runs_dir, ask(tmp_path))
    assert (tmp_path / "out" / "manifest.json").stat().st_mtime_ns == written
    assert set(hub.repositories[NAME]) >= {"README.md", "adapter_model.safetensors"}


@pytest.mark.parametrize("spoil", ["change", "another run"])
def test_what_lies_in_the_folder_is_pushed_only_if_it_is_this_very_export(
    hub: LoopbackHub, runs_dir: Path, tmp_path: Path, model: Path, spoil: str
) -> None:
    carry_out(runs_dir, ExportRequest("tiny", str(tmp_path / "out")))
    if spoil == "change":
        (tmp_path / "out" / "config.yaml").write_text("else")
    else:
        make_tiny_adapter(model, get_adapter_dir(runs_dir, "tiny"), seed=7)
    with pytest.raises(BadInputError, match="is not empty"):
        carry_out(runs_dir, ask(tmp_path))
    assert NAME not in hub.repositories


def test_without_a_network_it_is_said_before_anything_is_written(
    runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(RftError, match="cannot be reached") as refused:
        carry_out(runs_dir, ask(tmp_path))
    assert "127.0.0.1:9" in str(refused.value) and "Check the network" in str(refused.value)
    assert not (tmp_path / "out").exists() and not get_export_log_path(runs_dir, "tiny").exists()


def test_a_token_that_the_hub_does_not_know_is_refused_before_the_work(
    hub: LoopbackHub, runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(RftError, match="does not know the token") as refused:
        carry_out(runs_dir, ask(tmp_path, merged=True))
    assert "hf_wrong" not in str(refused.value)
    assert not (tmp_path / "out").exists() and hub.repositories == {}


def test_without_a_token_nothing_is_begun(
    runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BadInputError, match="HF_TOKEN is not set"):
        carry_out(runs_dir, ask(tmp_path))
    assert sorted(path.name for path in get_run_dir(runs_dir, "tiny").iterdir()) == [
        "adapter", "export.json", "export.lock",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["", "tuned", "a/b/c", "me/a b", "me/../x", "-me/x", "me/x.git"])
def test_a_name_that_the_hub_does_not_take_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(BadInputError, match="Write OWNER/NAME"):
        check_push(name)
    check_push("me/a-model.v2")

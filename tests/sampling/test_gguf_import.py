"""A GGUF file becomes the model that it was made of."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    modeling_gguf_pytorch_utils,
)

from rft_core.errors import BadInputError, NotFoundError, RftError
from rft_core.model_files import model_summary
from rft_core.sampling.loading import gguf_import
from rft_core.sampling.loading.gguf_import import import_gguf
from tests.tiny_gguf import write_gguf
from tests.tiny_model import make_tiny_model


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def gguf_file(model_folder: Path) -> Path:
    return write_gguf(model_folder, model_folder.parent / "model.gguf")


def test_the_folder_holds_the_model_that_the_file_was_made_of(
    model_folder: Path, gguf_file: Path, tmp_path: Path
) -> None:
    to = tmp_path / "new" / "imported"
    parameters = import_gguf(gguf_file, to)
    summary = model_summary(str(to))
    assert summary and summary.parameters == parameters
    before, after = (AutoModelForCausalLM.from_pretrained(f) for f in (model_folder, to))
    tokenizer = AutoTokenizer.from_pretrained(to)
    ids = torch.tensor([tokenizer("<|user|>Add 1 and 2.<|end|><|assistant|>")["input_ids"]])
    assert torch.allclose(before(ids).logits, after(ids).logits, atol=1e-5)
    assert tokenizer.eos_token == "<|end|>"  # and not the token that begins a turn
    assert after.generation_config.eos_token_id == tokenizer.eos_token_id
    assert not hasattr(after.config, "quantization_config")
    assert [path.name for path in to.parent.iterdir()] == ["imported"]


@pytest.mark.parametrize("content", [b"GGUF" + bytes(60), b"PK\x03\x04"], ids=["damaged", "zip"])
def test_what_cannot_be_read_leaves_nothing(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(content)
    with pytest.raises(BadInputError, match=r"cannot be imported|is no GGUF file"):
        import_gguf(file, tmp_path / "to")
    assert list(tmp_path.iterdir()) == [file]


def test_nothing_is_overwritten(gguf_file: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(BadInputError, match="holds something already"):
        import_gguf(gguf_file, tmp_path)
    with pytest.raises(NotFoundError):
        import_gguf(tmp_path / "none.gguf", tmp_path / "to")


def test_a_package_that_is_missing_is_not_the_files_fault(
    gguf_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modeling_gguf_pytorch_utils, "is_gguf_available", lambda *_: False)
    with pytest.raises(RftError) as raised:
        import_gguf(gguf_file, tmp_path / "to")
    assert not isinstance(raised.value, BadInputError)
    assert "gguf" in raised.value.why and "requirements.txt" in raised.value.fix
    assert not any(tmp_path.iterdir())


def break_token_ids(patch: pytest.MonkeyPatch) -> None:
    """As a chat template may, that ends a turn with what this tokenizer cannot look up."""

    def fail(tokenizer: object) -> None:
        raise KeyError("no such token")

    patch.setattr(gguf_import, "_find_end_of_turn", fail)


def break_generation_settings(patch: pytest.MonkeyPatch) -> None:
    """A file may say what transformers refuses to save; only then does it look."""
    unquantised = gguf_import._unquantised

    def make(read: PreTrainedModel) -> PreTrainedModel:
        model = unquantised(read)
        assert model.generation_config is not None
        model.generation_config.num_return_sequences = 3  # greedily, there is but one
        return model

    patch.setattr(gguf_import, "_unquantised", make)


@pytest.mark.parametrize("damage", [break_token_ids, break_generation_settings])
def test_what_fails_after_reading_is_explained_as_well(
    damage: Callable[[pytest.MonkeyPatch], None],
    gguf_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    damage(monkeypatch)
    with pytest.raises(BadInputError, match="cannot be imported") as raised:
        import_gguf(gguf_file, tmp_path / "to")
    assert raised.value.why.startswith(("KeyError", "ValueError"))
    assert not any(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(
    gguf_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr(gguf_import, "_save", fail)
    with pytest.raises(BadInputError) as raised:
        import_gguf(gguf_file, tmp_path / "to")
    assert "imported" not in raised.value.what and str(tmp_path) in raised.value.what

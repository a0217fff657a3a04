"""What is known about a model without loading it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from rft_core.embedded import EMBEDDED_MODELS
from rft_core.errors import ModelUnavailableError
from rft_core.model_files import model_summary, resolve_model
from tests.tiny_model import make_tiny_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny-model"))


def test_the_summary_counts_what_the_loaded_model_has(folder: Path):
    model = AutoModelForCausalLM.from_pretrained(folder)
    summary = model_summary(str(folder))
    assert summary is not None
    assert summary.parameters == model.num_parameters()
    assert summary.architecture == "LlamaForCausalLM"
    assert (summary.context_length, summary.num_layers, summary.hidden_size) == (512, 2, 32)
    assert summary.kv_values_per_token == 2 * 2 * 2 * 8  # keys and values, layers, heads, width
    layers = {layer.name: layer for layer in summary.linear_layers}
    assert summary.linear_modules == tuple(sorted(layers))
    assert "lm_head" not in layers
    down = layers["down_proj"]
    assert (down.out_features, down.in_features, down.count) == (32, 64, 2)


def test_a_model_that_is_not_on_this_machine_has_no_summary():
    assert model_summary("nobody/no-such-model") is None


def test_names_resolve_to_embedded_local_or_hub_models(folder: Path, monkeypatch):
    assert resolve_model(str(folder)) == folder
    assert resolve_model("Qwen/Qwen2.5-0.5B-Instruct") == "Qwen/Qwen2.5-0.5B-Instruct"
    monkeypatch.setitem(EMBEDDED_MODELS, "embedded/tiny", folder)
    assert resolve_model("embedded/tiny") == folder


def test_every_way_of_being_no_model_has_its_message(folder: Path, tmp_path: Path):
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    for name, message in {
        "/no/such/folder": "no model folder",
        "../nowhere": "no model folder",
        "three/part/name": "no model folder",
        "embedded/nothing": "no embedded model",
        str(tmp_path): "no config.json",
        str(tmp_path / "adapter"): "LoRA adapter",
        str(tmp_path / "broken"): "cannot be read",
    }.items():
        with pytest.raises(ModelUnavailableError, match=message):
            model_summary(name)


def test_damaged_weights_are_named(folder: Path, tmp_path: Path):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0not json at all!")
    with pytest.raises(ModelUnavailableError, match=r"model\.safetensors cannot be read"):
        model_summary(str(copy))


def test_a_configuration_without_bounds_is_summarised_too(folder: Path, tmp_path: Path):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    config = json.loads((copy / "config.json").read_text())
    del config["max_position_embeddings"]
    (copy / "config.json").write_text(json.dumps(config))
    summary = model_summary(str(copy))
    assert summary is not None
    assert summary.context_length is None


def test_reading_a_summary_loads_no_torch(folder: Path):
    code = (
        "import sys; from rft_core.model_files import model_summary; "
        f"assert model_summary({str(folder)!r}).parameters; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)

"""Adapters that are more than plain LoRA: trained, saved, exported, and answering as PEFT's do."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from rft_core.config import RunConfig, make_config
from rft_core.errors import BadInputError
from rft_core.export import export_run
from rft_core.paths import get_adapter_dir
from rft_core.sampling.loading.models import load_base
from rft_core.sampling.sampling_params import SamplingParams
from rft_core.sampling.service.messages import Lane, LaneDone
from rft_core.sampling.transformers_engine import TransformersEngine
from rft_core.training.saving.adapter_files import load_adapter_weights
from tests.tiny_run import add_tiny_run, live_in_process

KINDS: dict[str, dict[str, Any]] = {
    "dora": {"use_dora": True},
    "rslora": {"use_rslora": True, "lora_r": 8},
    "whole-layers": {"modules_to_save": ("norm", "embed_tokens")},
    "dora-and-whole-layers": {"use_dora": True, "modules_to_save": ("norm",)},
}
ASK = [{"role": "user", "content": "q1"}]
GREEDY = SamplingParams(temperature=0, max_completion_length=12, min_new_tokens=12)


@pytest.mark.parametrize("kind", KINDS)
def test_it_trains_exports_and_chats_as_peft_has_it(
    kind: str, tiny_model: Path, runs_dir: Path, tmp_path: Path
) -> None:
    add_tiny_run(
        runs_dir, tiny_model, kind, learning_rate=0.05, max_steps=3, eval_steps=3,
        max_completion_length=12, beta=0.01, **KINDS[kind],
    )  # fmt: skip
    assert live_in_process(runs_dir, kind).outcome == "finished"
    folder = get_adapter_dir(runs_dir, kind)
    held = json.loads((folder / "adapter_config.json").read_text())
    assert held["use_dora"] is KINDS[kind].get("use_dora", False)
    assert held["use_rslora"] is KINDS[kind].get("use_rslora", False)
    assert sorted(held["modules_to_save"] or ()) == sorted(KINDS[kind].get("modules_to_save", ()))
    weights = load_file(folder / "adapter_model.safetensors")
    assert any("magnitude" in name for name in weights) is bool(held["use_dora"])
    base, tokenizer = load_base(str(tiny_model))
    if held["modules_to_save"]:
        (norm,) = (w for name, w in weights.items() if name.endswith("model.norm.weight"))
        assert not torch.equal(norm, base.model.norm.weight)  # it was trained

    engine = TransformersEngine("tiny", base, tokenizer)
    lanes = [Lane("base"), Lane("tuned", folder)]
    said = {
        event.lane: event.completion.token_ids
        for event in engine.stream(ASK, lanes, GREEDY)
        if isinstance(event, LaneDone)
    }
    tuned = PeftModel.from_pretrained(load_base(str(tiny_model))[0], str(folder)).eval()
    ids = torch.tensor([engine.render(ASK, GREEDY).token_ids])
    assert said["tuned"] == generate(tuned, ids)
    assert said["base"] == generate(load_base(str(tiny_model))[0], ids) != said["tuned"]

    export_run(runs_dir, kind, to=tmp_path / "merged", merged=True)
    merged, _ = load_base(str(tmp_path / "merged"))
    assert said["tuned"] == generate(merged, ids)
    assert torch.allclose(merged(ids).logits, tuned(ids).logits, atol=1e-3)


def generate(model: Any, ids: torch.Tensor) -> tuple[int, ...]:
    mask = torch.ones_like(ids)
    written = model.generate(
        input_ids=ids, attention_mask=mask, do_sample=False, max_new_tokens=12, min_new_tokens=12
    )
    return tuple(written[0, ids.shape[1] :].tolist())


def test_a_fork_keeps_its_parents_kind_of_adapter(tiny_model: Path, runs_dir: Path) -> None:
    add_tiny_run(runs_dir, tiny_model, "dora", max_steps=1, eval_steps=0, use_dora=True)
    assert live_in_process(runs_dir, "dora").outcome == "finished"
    from peft import get_peft_model

    from rft_core.training.saving.adapter_files import make_lora_config

    folder = get_adapter_dir(runs_dir, "dora")
    for settings, named in (
        ({}, "use_dora"),
        ({"use_dora": True, "use_rslora": True}, "use_rslora"),
        ({"use_dora": True, "modules_to_save": ("norm",)}, "modules_to_save"),
    ):
        config = RunConfig(lora_r=4, lora_alpha=8, **settings)
        model = get_peft_model(load_base(str(tiny_model))[0], make_lora_config(config))
        with pytest.raises(BadInputError, match=named):
            load_adapter_weights(model, folder, config)
    config = make_config({"lora_r": 4, "lora_alpha": 8, "use_dora": "true"})
    model = get_peft_model(load_base(str(tiny_model))[0], make_lora_config(config))
    load_adapter_weights(model, folder, config)

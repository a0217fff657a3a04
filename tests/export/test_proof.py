"""What a merged model must show before it is kept: planted merges are refused, ties are not."""

from pathlib import Path
from typing import Any

import pytest
import torch

from rft_core.errors import RftError
from rft_core.export import export_run
from rft_core.export.merging import PROOF_PROMPTS, _check_proof, _is_tie
from rft_core.paths import get_adapter_dir
from tests.tiny_model import make_tiny_adapter, make_tiny_model
from tests.tiny_run import add_tiny_run, make_tiny_prompts

PROOF = {
    "dtype": "float32", "answers_compared": 64, "answers_equal": 64, "answers_tied": 0,
    "difference": 1e-6, "difference_of_base": 0.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def runs_dir(tmp_path: Path, model: Path) -> Path:
    runs_dir = tmp_path / "runs"
    add_tiny_run(runs_dir, model, prompts=make_tiny_prompts(30, 60))
    make_tiny_adapter(model, get_adapter_dir(runs_dir, "tiny"))
    return runs_dir


def test_at_least_50_answers_are_compared(runs_dir: Path, tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    result = export_run(
        runs_dir, "tiny", tmp_path / "out", merged=True, on_progress=lambda *one: told.append(one)
    )
    proof = result.proof
    assert proof["answers_compared"] == PROOF_PROMPTS >= 50
    assert proof["answers_equal"] + proof["answers_tied"] == proof["answers_compared"]
    assert proof["difference"] < 1e-4 < proof["difference_of_base"]
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and 0 <= shares[0] < shares[-1] < 1
    assert any("64 answers" in doing for _, doing in told)
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"{proof['answers_equal']} of 64 greedy answers" in card


def _leave_the_merge_out(self: Any, *_: Any, **__: Any) -> Any:
    """PEFT's `unload`: the base as it was, without the adapter."""
    return self.unload()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_merge_that_equals_the_base_is_refused_though_the_adapter_does_something(
    runs_dir: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    from peft import PeftModel

    add_tiny_run(runs_dir, model, "planted", dtype=dtype, prompts=make_tiny_prompts(30, 60))
    make_tiny_adapter(model, get_adapter_dir(runs_dir, "planted"))
    monkeypatch.setattr(PeftModel, "merge_and_unload", _leave_the_merge_out, raising=False)
    with pytest.raises(RftError, match="equals the base") as refused:
        export_run(runs_dir, "planted", tmp_path / "out", merged=True)
    assert "the merge did not take place" in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_what_was_written_counts_not_what_was_merged(
    runs_dir: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of the base in the place of the merged weights, byte for byte."""
    import shutil

    from transformers import PreTrainedModel

    def save_the_base(self: Any, folder: str, **_: Any) -> None:
        self.config.save_pretrained(folder)
        self.generation_config.save_pretrained(folder)
        shutil.copyfile(model / "model.safetensors", Path(folder) / "model.safetensors")

    monkeypatch.setattr(PreTrainedModel, "save_pretrained", save_the_base)
    with pytest.raises(RftError, match="equals the base"):
        export_run(runs_dir, "tiny", tmp_path / "out", merged=True)


def test_another_adapters_merge_is_refused(
    runs_dir: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights differ from the base's, and it does not answer as this adapter does."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    other = make_tiny_adapter(model, tmp_path / "other", seed=9)

    def merge_the_other(self: Any, *_: Any, **__: Any) -> Any:
        base = AutoModelForCausalLM.from_pretrained(model, dtype="float32")
        return PeftModel.from_pretrained(base, other).base_model.merge_and_unload()

    monkeypatch.setattr(PeftModel, "merge_and_unload", merge_the_other, raising=False)
    with pytest.raises(RftError, match="does not answer as the adapter does"):
        export_run(runs_dir, "tiny", tmp_path / "out", merged=True)


@pytest.mark.parametrize(
    ("found", "is_refused"),
    [
        ({}, False),
        ({"answers_equal": 63, "answers_tied": 1}, False),
        ({"answers_equal": 63}, True),
        ({"difference": 0.4}, True),
        ({"difference": float("nan")}, True),
    ],
)
def test_a_proof_in_float32(found: dict[str, Any], is_refused: bool) -> None:
    if not is_refused:
        _check_proof(PROOF | found, is_exact=True)
        return
    with pytest.raises(RftError):
        _check_proof(PROOF | found, is_exact=True)


def test_only_tokens_that_are_as_likely_are_a_tie(model: Path) -> None:
    from transformers import AutoModelForCausalLM

    loaded = AutoModelForCausalLM.from_pretrained(model, dtype="float32")
    prompt = (1, 2, 3)
    with torch.inference_mode():
        ranked = loaded(torch.tensor([prompt])).logits[0, -1].argsort(descending=True).tolist()
        loaded.lm_head.weight[ranked[1]] = loaded.lm_head.weight[ranked[0]]  # a twin of the best
    assert _is_tie(loaded, prompt, (ranked[0], 5), (ranked[1], 6))
    assert not _is_tie(loaded, prompt, (ranked[0], 5), (ranked[-1], 6))
    assert not _is_tie(loaded, prompt, (5,), (5, 6))

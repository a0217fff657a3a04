"""Taking a tuned model away: the adapter or the merged model, with its card, config and manifest.

A merged model is proved before it is kept: its weights must differ from the base, and its greedy
answers must equal those of the base with the adapter, token by token. Merging and proof happen in
float32; the weights are saved in the run's own precision. Nothing is uploaded anywhere.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rft_core.config import RunConfig, changed_fields, to_yaml
from rft_core.data import PromptSet
from rft_core.embedded import EMBEDDED_MODELS
from rft_core.errors import BadInputError, RftError
from rft_core.evaluation.metrics import mean
from rft_core.rewards.contract import RewardSet
from rft_core.statistics import PairedDifference, paired_difference
from rft_core.store.adapters import StoredAdapter, get_adapter
from rft_core.store.generations import iterate_generations
from rft_core.store.index import open_index
from rft_core.store.run_reader import has_database, metrics_frame, open_run
from rft_core.store.runs import RunRow, get_run
from rft_core.store.search import GenerationFilter
from rft_core.store.sets import get_prompt_set, get_reward_set
from rft_core.training.checkpoints import publish_folder

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
PROOF_PROMPTS = 4
PROOF_TOKENS = 48


@dataclass(frozen=True)
class Export:
    """What was written. `proof` is empty for an adapter, which needs none."""

    folder: Path
    kind: str  # "adapter" or "merged"
    step: int | None  # None: the finished adapter
    files: tuple[str, ...]
    proof: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "kind": self.kind,
            "step": self.step,
            "files": list(self.files),
            "proof": dict(self.proof),
        }


def export_run(
    runs_dir: Path, run_id: str, to: Path, *, merged: bool = False, step: int | None = None
) -> Export:
    """Write the export into `to`, whole or not at all. `step` None: the newest adapter.

    Raises `BadInputError` if `to` holds anything, `NotFoundError` without such an adapter, and
    `RftError` if a merged model fails its proof.
    """
    with open_index(runs_dir) as index:
        run = get_run(index, run_id)
        prompts = PromptSet.from_json(get_prompt_set(index, run.config.prompt_set or "").content)
        rewards = RewardSet.from_json(get_reward_set(index, run.config.reward_set or "").content)
    adapter = get_adapter(runs_dir, run_id, step)
    to, temporary = _make_room(to)
    try:
        proof = (
            _write_merged(run.config, adapter.path, prompts, temporary)
            if merged
            else _copy_adapter(adapter.path, temporary)
        )
        (temporary / "config.yaml").write_text(to_yaml(run.config), encoding="utf-8")
        card = make_model_card(runs_dir, run, adapter, rewards, proof)
        (temporary / "README.md").write_text(card, encoding="utf-8")
        kind = "merged" if merged else "adapter"
        about = {"run": run_id, "step": adapter.step, "kind": kind, "proof": proof}
        temporary.chmod(0o755)
        publish_folder(temporary, to, about)
    except OSError as error:
        raise RftError(
            f"The export could not be written to '{to}'",
            str(error),
            "Nothing is left there: make room, or choose another folder",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    files = tuple(sorted(path.name for path in to.iterdir()))
    return Export(to, kind, adapter.step, files, proof)


def _make_room(to: Path) -> tuple[Path, Path]:
    """Where the export goes, and an empty folder beside it to write it in first."""
    to = to.expanduser().absolute()
    try:
        to = to.resolve()
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise BadInputError(f"'{to}' is not empty", "", "Choose a folder that does not exist")
        to.parent.mkdir(parents=True, exist_ok=True)
        return to, Path(tempfile.mkdtemp(prefix=".unfinished-", dir=to.parent))
    except OSError as error:
        raise BadInputError(
            f"Nothing can be written to '{to}'",
            error.strerror or str(error),
            "Choose a folder that you may write to",
        ) from error


def make_model_card(
    runs_dir: Path,
    run: RunRow,
    adapter: StoredAdapter,
    rewards: RewardSet,
    proof: Mapping[str, Any],
) -> str:
    """README.md: what it is, what it was rewarded for, what that did, how to use it."""
    config = run.config
    weights = [f"- {_code(entry.name)}, weight {entry.weight:g}" for entry in rewards.entries]
    settings = [f"- `{name}`: {_code(value)}" for name, value in changed_fields(config).items()]
    about = {
        "base_model": config.model,
        "library_name": "transformers" if proof else "peft",
        "tags": ["reinforcement-fine-tuning", config.method, "lora"],
    }
    return "\n".join(
        [
            "---",
            yaml.safe_dump(about, sort_keys=False).rstrip(),
            "---",
            "",
            f"# {_plain(run.name or run.id)}",
            "",
            f"{_code(config.model)} tuned for the task {_code(config.task)} by "
            f"{config.method.upper()} with LoRA (rank {config.lora_r}), run {_code(run.id)}, "
            f"{adapter.label}.",
            "",
            "## Rewarded for",
            "",
            *weights,
            "",
            "## What training changed",
            "",
            *_describe_change(runs_dir, run.id, adapter.step),
            *(["", _describe_proof(proof)] if proof else []),
            "",
            "## Use",
            "",
            *_describe_use(config, is_merged=bool(proof)),
            "",
            "## Settings that differ from the defaults",
            "",
            *(settings or ["none"]),
            "",
        ]
    )


def _copy_adapter(source: Path, target: Path) -> dict[str, Any]:
    for name in ADAPTER_FILES:
        shutil.copyfile(source / name, target / name)
    return {}


def _write_merged(
    config: RunConfig, adapter: Path, prompts: PromptSet, target: Path
) -> dict[str, Any]:
    """Merge, prove and save. Returns the proof."""
    import torch
    from peft import PeftModel

    from rft_core.sampling.chat_template import render_prompt
    from rft_core.sampling.models import load_base

    base, tokenizer = load_base(config.model, "float32")
    before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    tuned = PeftModel.from_pretrained(base, str(adapter)).eval()
    rows = (prompts.validation_rows or prompts.train_rows)[:PROOF_PROMPTS]
    asked = [render_prompt(tokenizer, prompt)[1] for prompt in prompts.prompts(rows)]
    answers = [_answer_greedily(tuned, token_ids, tokenizer) for token_ids in asked]
    model = tuned.merge_and_unload()
    merged_answers = [_answer_greedily(model, token_ids, tokenizer) for token_ids in asked]
    after = model.state_dict()
    changed = sum(not torch.equal(tensor, before[name]) for name, tensor in after.items())
    equal = sum(a == b for a, b in zip(answers, merged_answers, strict=True))
    proof = {"changed_tensors": changed, "answers_compared": len(asked), "answers_equal": equal}
    if not changed:
        raise RftError("The merged model equals the base", "The adapter changes nothing")
    if equal < len(asked):
        raise RftError(
            "The merged model does not answer as the adapter does",
            f"{len(asked) - equal} of {len(asked)} greedy answers differ",
            "Export the adapter instead (without --merged)",
        )
    if config.dtype == "bfloat16":
        model = model.to(torch.bfloat16)
    model.save_pretrained(str(target))
    tokenizer.save_pretrained(str(target))
    return proof


def _answer_greedily(model: Any, token_ids: Sequence[int], tokenizer: Any) -> list[int]:
    import torch

    with torch.no_grad():
        answer = model.generate(
            input_ids=torch.tensor([token_ids]),
            attention_mask=torch.ones(1, len(token_ids), dtype=torch.long),
            max_new_tokens=PROOF_TOKENS,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
        )
    tokens: list[int] = answer[0, len(token_ids) :].tolist()
    return tokens


def _describe_change(runs_dir: Path, run_id: str, step: int | None) -> list[str]:
    """Validation means before training and at the exported step, and whether they differ."""
    nothing = ["No validation was recorded."]
    if not has_database(runs_dir, run_id):
        return nothing
    with open_run(runs_dir, run_id) as db:
        frame = metrics_frame(db)
        is_reward = frame["name"].str.fullmatch("reward|rewards/.*/mean")
        frame = frame[(frame["split"] == "validation") & is_reward]
        steps = [int(s) for s in sorted(frame["step"].unique()) if step is None or s <= step]
        if len(steps) < 2:
            return nothing
        first, last = steps[0], steps[-1]
        rewards = [_prompt_rewards(db, at) for at in (first, last)]
    table = frame[frame["step"].isin([first, last])]
    values = table.pivot_table(index="name", columns="step", values="value")
    lines = [f"| validation | step {first} | step {last} |", "|---|---|---|"]
    lines += [f"| {_plain(name)} | {a:.3f} | {b:.3f} |" for name, a, b in values.itertuples()]
    shared = sorted(rewards[0].keys() & rewards[1].keys())
    if not shared:
        return lines
    pair = paired_difference([rewards[0][p] for p in shared], [rewards[1][p] for p in shared])
    return [*lines, "", _describe_difference(pair)]


def _describe_difference(pair: PairedDifference) -> str:
    low, high = pair.ci
    return (
        f"Difference in reward over {pair.n} validation prompts: {pair.difference:+.3f} "
        f"(95% interval {low:+.3f} to {high:+.3f}, p = {pair.p_value:.4f})."
    )


def _prompt_rewards(db: Any, step: int) -> dict[int, float]:
    """Mean reward of each validation prompt that could be judged."""
    by_prompt: dict[int, list[float | None]] = {}
    for generation in iterate_generations(db, GenerationFilter(step=step, split="validation")):
        by_prompt.setdefault(generation.prompt_id, []).append(generation.reward)
    means: Iterable[tuple[int, float | None]] = ((p, mean(r)) for p, r in by_prompt.items())
    return {prompt: value for prompt, value in means if value is not None}


def _describe_proof(proof: Mapping[str, Any]) -> str:
    return (
        f"Merged: {proof['changed_tensors']} tensors differ from the base, and "
        f"{proof['answers_equal']} of {proof['answers_compared']} greedy answers equal those of "
        "the base with the adapter."
    )


def _describe_use(config: RunConfig, *, is_merged: bool) -> list[str]:
    load = ["from transformers import AutoModelForCausalLM", ""]
    base = f"rft_core/{config.model}" if config.model in EMBEDDED_MODELS else config.model
    if is_merged:
        return [
            "```python",
            *load,
            'model = AutoModelForCausalLM.from_pretrained("this folder")',
            "```",
        ]
    return [
        "```python",
        "from peft import PeftModel",
        *load,
        f"base = AutoModelForCausalLM.from_pretrained({json.dumps(base)})",
        'model = PeftModel.from_pretrained(base, "this folder")',
        "```",
    ]


def _plain(text: str) -> str:
    """What people wrote, on one line; Markdown and HTML read nothing into it."""
    return re.sub(r"([\\`*_{}\[\]<>#|!~&$])", r"\\\1", " ".join(text.split()))


def _code(value: object) -> str:
    """The same as a code span, in which only a backtick means anything."""
    return "`" + " ".join(str(value).split()).replace("`", "'") + "`"

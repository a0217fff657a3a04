"""README.md of an export: what it is, what it was rewarded for, what that did, how to use it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from rft_core.config import RunConfig, changed_fields
from rft_core.embedded import EMBEDDED_MODELS
from rft_core.evaluation.metrics import mean
from rft_core.rewards.contract import RewardSet
from rft_core.statistics import PairedDifference, paired_difference
from rft_core.store.adapters import StoredAdapter
from rft_core.store.generations import iterate_generations
from rft_core.store.run_reader import has_database, metrics_frame, open_run
from rft_core.store.runs import RunRow
from rft_core.store.search import GenerationFilter


def make_model_card(
    runs_dir: Path,
    run: RunRow,
    adapter: StoredAdapter,
    rewards: RewardSet | None,
    proof: Mapping[str, Any],
) -> str:
    """README.md: what it is, what it was rewarded for, what that did, how to use it."""
    config = run.config
    entries = rewards.entries if rewards else ()
    weights = [f"- {_code(entry.name)}, weight {entry.weight:g}" for entry in entries]
    samples = any(method.samples for method in config.methods)
    settings = [f"- `{name}`: {_code(value)}" for name, value in changed_fields(config).items()]
    about = {
        "base_model": config.model,
        "library_name": "transformers" if proof else "peft",
        "tags": [
            *(["reinforcement-fine-tuning"] if samples else []),
            *(method.name for method in config.methods),
            "lora",
        ],
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
            f"{', then '.join(config.method_titles)} with LoRA (rank {config.lora_r}), "
            f"run {_code(run.id)}, {adapter.label}.",
            "",
            "## Rewarded for",
            "",
            *(weights or ["Nothing: it learned from given completions."]),
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
        f"Merged: saved in {proof['dtype']}: {proof['changed_tensors']} weights differ from the "
        f"base. Read back from this folder, it gives {proof['answers_equal']} of "
        f"{proof['answers_compared']} greedy answers as the base with the adapter does, and its "
        f"log probabilities differ from that one's by {proof['difference']:.2g} a token (the "
        f"base's: by {proof['difference_of_base']:.2g})."
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

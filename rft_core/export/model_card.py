"""README.md of an export: what it is, what it was rewarded for, what that did, how to use it.

Its figures are those that are stored: of evaluations on held-out rows, and of the run's own
validation. Nothing is sampled for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from rft_core.config import changed_fields
from rft_core.embedded import EMBEDDED_MODELS
from rft_core.evaluation.metrics import mean
from rft_core.evaluation.records import MeasuredRun, find_measured
from rft_core.evaluation.report import main_table, verdict_text
from rft_core.export.usage import Way
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
    *,
    ways: Sequence[Way] = (),
) -> str:
    """`ways`: the lines that use it."""
    config = run.config
    entries = rewards.entries if rewards else ()
    weights = [f"- {_code(entry.name)}, weight {entry.weight:g}" for entry in entries]
    samples = any(method.samples for method in config.methods)
    settings = [f"- `{name}`: {_code(value)}" for name, value in changed_fields(config).items()]
    about = {
        **({"base_model": config.model} if _is_on_hub(config.model) else {}),
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
            "## Measured on rows that it was not trained on",
            "",
            *_describe_measured(runs_dir, run, adapter.step),
            "",
            "## What training changed",
            "",
            *_describe_change(runs_dir, run.id, adapter.step),
            *(["", describe_proof(proof)] if proof else []),
            "",
            "## Use",
            "",
            *(line for way in ways for line in _describe_way(way)),
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


def _describe_measured(runs_dir: Path, run: RunRow, step: int | None) -> list[str]:
    """The base beside the tuned model, of each task that was evaluated, with 95% intervals."""
    last = run.config.max_steps  # the finished adapter is that of the last step
    steps = {None, last} if step in (None, last) else {step}
    measured = find_measured(runs_dir, run.id, steps)
    if not measured:
        return [f"Not evaluated yet. To do so: `python -m rft_core evaluate {run.id}`"]
    return [line for one in measured for line in (*_describe_one(one), "")][:-1]


def _describe_one(measured: MeasuredRun) -> list[str]:
    base, *others = measured.matchup.evaluations
    tuned = next(one for one in others if one.model == measured.label)
    rows = main_table([base, tuned], lambda label: "base" if label == base.model else "tuned")
    columns = list(rows[0])
    lines = [
        _plain(measured.matchup.about),
        "",
        f"| {' | '.join(map(_plain, columns))} |",
        "|" + "---|" * len(columns),
        *(f"| {' | '.join(_plain(row[name]) for name in columns)} |" for row in rows),
    ]
    if tuned.versus_base is None:
        return lines
    return [*lines, "", f"{verdict_text('Tuned', 'base', tuned.versus_base)} Evaluation "
            f"{measured.number}; intervals are of 95%."]  # fmt: skip


def describe_proof(proof: Mapping[str, Any]) -> str:
    """One sentence of what a merged model has shown."""
    tied = proof["answers_tied"]
    ties = f" ({tied} more differ from a token on that was as likely)" if tied else ""
    return (
        f"Merged: saved in {proof['dtype']}: {proof['changed_tensors']} weights differ from the "
        f"base. Read back from this folder, it gives {proof['answers_equal']} of "
        f"{proof['answers_compared']} greedy answers as the base with the adapter does{ties}, and "
        f"its log probabilities differ from that one's by {proof['difference']:.2g} a token (the "
        f"base's: by {proof['difference_of_base']:.2g})."
    )


def _describe_way(way: Way) -> list[str]:
    return [f"With {way.title}:", "", f"```{way.language}", *way.lines, "```", ""]


def _is_on_hub(model: str) -> bool:
    """Whether the card may name it as its base: the hub refuses cards that name what it lacks."""
    return model not in EMBEDDED_MODELS and not Path(model).expanduser().exists()


def _plain(text: str) -> str:
    """What people wrote, on one line; Markdown and HTML read nothing into it."""
    return re.sub(r"([\\`*_{}\[\]<>#|!~&$])", r"\\\1", " ".join(text.split()))


def _code(value: object) -> str:
    """The same as a code span, in which only a backtick means anything."""
    return "`" + " ".join(str(value).split()).replace("`", "'") + "`"

"""Samples that are stored are not made again: what a model still lacks is sampled and judged.

A contender's samples are known by its weights (the adapter's files are hashed), the prompts and
rows, the sampling settings, the engine and the judge. More samples are added behind those that are
there, drawn with another seed, so that none is drawn twice. What could not be judged, as when the
sandbox failed, has no verdict and is judged again the next time; its token ids are not known then.
A scorer's scores are kept with them, and asked for again only where there are more samples now.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rft_core.config import RunConfig
from rft_core.evaluation.held_out import HeldOut
from rft_core.evaluation.reranking import Reranker
from rft_core.evaluation.results import Contender, Judged, Sampled
from rft_core.model_files import find_local_folder
from rft_core.sampling.service.messages import SamplingParams
from rft_core.sampling.settings import EngineName
from rft_core.store.evaluations import (
    JudgedSample,
    StoredEvaluation,
    find_evaluation,
    find_scores,
    set_evaluation,
    set_scores,
)
from rft_core.store.index import open_index
from rft_core.types import Completion, Messages

# (samples per prompt, seed) -> groups of completions, and the seconds that sampling them took
SampleMore = Callable[[int, int], tuple[list[list[Completion]], float | None]]
JudgeGroups = Callable[[Sequence[Sequence[Completion]]], list[list[Judged]]]
BASE = "base"


def make_key(
    held_out: HeldOut, contender: Contender, config: RunConfig, params: SamplingParams,
    engine: EngineName,
) -> str:  # fmt: skip
    """The hash of everything that one contender's samples and verdicts depend on, k aside."""
    content = {
        "model": identify_model(config.model),
        "adapter": _hash_files(contender.adapter) if contender.adapter else None,
        "prompts": [list(map(dict, prompt)) for prompt in held_out.prompts],
        "rows": [dict(row) for row in held_out.rows],
        "sampling": _list_sampling(params) | {"engine": engine, "dtype": _name_precision(config)},
        "judge": held_out.reward_set.id,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _list_sampling(params: SamplingParams) -> dict[str, Any]:
    """Settings that came later count only where they do something: keys from before stay true."""
    ever = ("temperature", "top_p", "top_k", "max_completion_length", "seed")
    default = asdict(SamplingParams())
    return {n: v for n, v in asdict(params).items() if n in ever or v != default[n]}


def _name_precision(config: RunConfig) -> str:
    return f"{config.dtype}, {config.weight_bits} bits" if config.weight_bits else config.dtype


def get_samples(
    runs_dir: Path,
    key: str,
    about: tuple[Contender, HeldOut, SamplingParams],
    k: int,
    *,
    sample: SampleMore,
    judge: JudgeGroups,
) -> Sampled:
    """The first k samples of each prompt: those that are known, and as many more as are missing."""
    contender, held_out, params = about
    with open_index(runs_dir) as index:
        found = find_evaluation(index, key)
    groups = [list(group) for group in found.groups] if found else [[] for _ in held_out.rows]
    known, seconds = (found.k, found.seconds) if found else (0, 0.0)
    made: list[list[Completion]] = [[] for _ in groups]
    if known < k:
        made, took = sample(k - known, params.seed + known * 1_000_003)
        seconds = None if seconds is None or took is None else seconds + took
    written = [[_as_completion(s) for s in group] for group in groups]
    written = [old + more for old, more in zip(written, made, strict=True)]
    for group, more in zip(groups, made, strict=True):
        group += [JudgedSample(c.text, c.truncated, None, len(c.token_ids)) for c in more]
    if _judge_missing(groups, written, k, judge):
        stored = StoredEvaluation(
            key,
            contender.run,
            contender.step,
            held_out.task,
            params.seed,
            asdict(params),
            held_out.reward_set.id,
            groups,
            seconds,
        )
        with open_index(runs_dir) as index:
            set_evaluation(index, stored)
    return take_first(contender.label, groups, k, seconds)


def take_first(
    label: str, groups: Sequence[Sequence[JudgedSample]], k: int, seconds: float | None
) -> Sampled:
    """The first k of each prompt, with their share of the time."""
    stored = max(min(map(len, groups), default=k), 1)
    share = None if seconds is None else seconds * k / max(stored, k)
    return Sampled(label, [group[:k] for group in groups], share)


def get_scores(
    runs_dir: Path, key: str, sampled: Sampled, prompts: Sequence[Messages], reranker: Reranker
) -> Sampled:
    """The samples with their scores, taken from what is known where all of them are."""
    k = len(sampled.groups[0])
    with open_index(runs_dir) as index:
        known = find_scores(index, key, reranker.id)
    if known is None or len(known[0]) < k:
        asked = [prompt for prompt in prompts for _ in range(k)]
        texts = [sample.text for group in sampled.groups for sample in group]
        scores = reranker.score(asked, texts)
        known = [scores[start : start + k] for start in range(0, len(scores), k)]
        with open_index(runs_dir) as index:
            set_scores(index, key, reranker.id, known)
    return replace(sampled, scores=[group[:k] for group in known])


def _judge_missing(
    groups: Sequence[list[JudgedSample]],
    written: Sequence[Sequence[Completion]],
    k: int,
    judge: JudgeGroups,
) -> bool:
    """Judge, in place, those of the first k that have no verdict yet; False where all have one."""
    places = [[at for at, s in enumerate(group[:k]) if s.verdict is None] for group in groups]
    if not any(places):
        return False
    asked = [[texts[at] for at in own] for texts, own in zip(written, places, strict=True)]
    for group, own, judged in zip(groups, places, judge(asked), strict=True):
        for at, judgement in zip(own, judged, strict=True):
            group[at] = replace(group[at], verdict=judgement.right, answer=judgement.answer)
    return True


def _as_completion(stored: JudgedSample) -> Completion:
    return Completion(stored.text, (), stored.truncated)


def with_seed(params: SamplingParams, seed: int) -> SamplingParams:
    return replace(params, seed=seed % 2**31)


def _hash_files(folder: Path) -> str:
    """Of an adapter's weights and settings; its name and place say nothing of its content."""
    digest = hashlib.sha256()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        with (folder / name).open("rb") as file:
            digest.update(name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def identify_model(name: str) -> list[object]:
    """A model's name and, of its files, names, sizes and times of change: too large to hash."""
    folder = find_local_folder(name)
    files = sorted(folder.iterdir()) if folder else []
    stats = [(path.name, path.stat()) for path in files if path.is_file()]
    return [name, [(file, stat.st_size, stat.st_mtime_ns) for file, stat in stats]]

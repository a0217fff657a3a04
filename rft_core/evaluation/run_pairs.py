"""Pairs from what a run has sampled and rewarded: its groups, read from the store."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from rft_core.data.graded_pairs import (
    ChosenPairs,
    GradedAnswer,
    GradedGroup,
    PairChoice,
    choose_pairs,
)
from rft_core.data.pair_set import PairSet, make_pair_set
from rft_core.errors import BadInputError
from rft_core.store.generations import StoredGeneration, get_prompts, iterate_generations
from rft_core.store.index import open_index
from rft_core.store.run_reader import open_run
from rft_core.store.runs import get_run
from rft_core.store.search import GenerationFilter
from rft_core.store.sqlite.without_pandas import Database

_OF_RUN = "run "  # so begins where such a pair says it comes from


def make_run_pairs(
    runs_dir: Path,
    run_id: str,
    choice: PairChoice,
    *,
    name: str = "",
    function: str | None = None,
    validation_share: float = 0.1,
) -> tuple[PairSet, ChosenPairs]:
    """A pair set of the run's training groups; not stored yet.

    `function`: pairs by that reward function's score alone, in place of the total reward. The set
    is the run's task's. Raises BadInputError where no two completions differ enough.
    """
    with open_index(runs_dir) as index:
        task = get_run(index, run_id).config.task
    with open_run(runs_dir, run_id) as db:
        chosen = choose_pairs(_read_groups(db, function), choice, source=f"{_OF_RUN}{run_id}")
    if not chosen.pairs:
        alike = " and whose lengths match" if choice.match_length is not None else ""
        raise BadInputError(
            f"Run '{run_id}' gives no pairs",
            f"Of its {chosen.groups:,} groups none has two whole completions whose rewards lie "
            f"{choice.margin:g} apart{alike}",
            "Lower the margin, or choose a run that has sampled groups",
        )
    made = make_pair_set(
        name or f"Pairs of {run_id}", chosen.pairs, validation_share=validation_share, task=task
    )
    return made, chosen


def find_source_run(pairs: PairSet) -> str | None:
    """The run whose groups these pairs were made of; None: they come from elsewhere."""
    sources = {pair.source for pair in pairs.pairs}
    source = sources.pop() if len(sources) == 1 else ""
    return source.removeprefix(_OF_RUN) if source.startswith(_OF_RUN) else None


def _read_groups(db: Database, function: str | None) -> Iterator[GradedGroup]:
    stored = iterate_generations(db, GenerationFilter(split="train"))
    for (step, at), together in groupby(stored, key=lambda g: (g.step, g.group_index)):
        group = list(together)
        prompt = get_prompts(db, {group[0].prompt_id})[group[0].prompt_id]
        answers = tuple(_grade(one, function) for one in group)
        yield GradedGroup(f"step {step}, group {at}", prompt.messages, prompt.row, answers)


def _grade(generation: StoredGeneration, function: str | None) -> GradedAnswer:
    reward = generation.reward if function is None else _score(generation, function)
    return GradedAnswer(generation.completion, reward, generation.num_tokens, generation.truncated)


def _score(generation: StoredGeneration, function: str) -> float | None:
    if function not in generation.scores:
        raise BadInputError(
            f"The run has no reward function '{function:.100}'",
            "",
            f"Choose from {', '.join(generation.scores)}",
        )
    return generation.scores[function]

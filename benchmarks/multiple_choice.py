"""What is behind right answers: of those that a run has written, how many were worked out.

    python benchmarks/multiple_choice.py RUN [RUN ...] [--parts 4]

Runs on `word_problems_choice` or `word_problems`, and the evaluations in their runs folder
(RFT_RUNS_DIR). No model is asked, and no run was paid for what is measured here. An answer is
worked out where all sums before it are true and the last one ends in the gold value: the number, or
what the right choice says. Whether the letter was right as well does not count there. `no sum`:
nothing is calculated at all. Shares over completions, 95% bootstrap intervals over prompts.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rft_core.evaluation.records import list_past, open_record  # noqa: E402
from rft_core.paths import get_runs_dir  # noqa: E402
from rft_core.rewards.answers.matching import (  # noqa: E402
    gold_number,
    list_options,
    read_choice,
)
from rft_core.rewards.answers.number_text import parse_number  # noqa: E402
from rft_core.rewards.answers.reasoning import list_equalities  # noqa: E402
from rft_core.store.generations import get_prompts, iterate_generations  # noqa: E402
from rft_core.store.index import open_index  # noqa: E402
from rft_core.store.run_reader import open_run  # noqa: E402
from rft_core.store.runs import get_run  # noqa: E402
from rft_core.types import Row  # noqa: E402

RESAMPLES = 10_000
HEAD = ("completions", "right", "worked out", "worked out, of the right", "no sum, of the right")
Group = tuple[Row, list[tuple[str, bool]]]  # a prompt's completions, and whether each is right


def find_gold(row: Row) -> Fraction | None:
    """The number that is asked for, though the answer be a letter."""
    options = list_options(row.get("options"))
    if not options:
        return gold_number(row, "answer")
    return parse_number(options[read_choice(str(row["answer"])) or ""])


def is_worked_out(completion: str, gold: Fraction | None) -> bool:
    sums = list(list_equalities(completion.partition("<answer>")[0]))
    return bool(sums) and all(each.is_true for each in sums) and sums[-1].right == gold


def measure(groups: Iterable[Group]) -> list[str]:
    """A cell for each of `HEAD`."""
    counts = []
    for row, completions in groups:
        gold = find_gold(row)
        worked = [is_worked_out(text, gold) for text, _ in completions]
        right = [is_right for _, is_right in completions]
        bare = [not any(True for _ in list_equalities(text)) for text, _ in completions]
        both = (sum(map(min, zip(right, other, strict=True))) for other in (worked, bare))
        counts.append((len(completions), sum(right), sum(worked), *both))
    table = np.asarray(counts, dtype=float)
    whole, right, worked, both, bare = table.T
    return [
        f"{int(whole.sum()):,}",
        *(
            _share(*pair)
            for pair in ((right, whole), (worked, whole), (both, right), (bare, right))
        ),
    ]


def _share(part: np.ndarray, whole: np.ndarray) -> str:
    """Sum of the first over sum of the second, with an interval over prompts."""
    if not whole.sum():
        return "none"
    drawn = np.random.default_rng(0).integers(len(whole), size=(RESAMPLES, len(whole)))
    shares = part[drawn].sum(axis=1) / np.maximum(whole[drawn].sum(axis=1), 1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return f"{part.sum() / whole.sum():.1%} ({low:.1%} to {high:.1%})"


def list_training(run_id: str, parts: int) -> Iterator[tuple[str, list[Group]]]:
    """What the run wrote in training, in so many stretches of its sampled steps."""
    folder = get_runs_dir()
    with open_run(folder, run_id) as db:
        written = [g for g in iterate_generations(db) if g.split == "train"]
        prompts = get_prompts(db, {g.prompt_id for g in written})
    steps = sorted({g.step for g in written})
    for stretch in np.array_split(np.asarray(steps), parts):
        inside = [g for g in written if stretch[0] <= g.step <= stretch[-1]]
        by_prompt: Mapping[int, list[tuple[str, bool]]] = defaultdict(list)
        for one in inside:
            by_prompt[one.prompt_id].append((one.completion, one.scores["correctness"] == 1))
        groups = [(prompts[at].row, completions) for at, completions in by_prompt.items()]
        yield f"training, steps {stretch[0]} to {stretch[-1]}", groups


def list_evaluated(run_ids: Sequence[str]) -> Iterator[tuple[str, str, list[Group]]]:
    """Task, model and completions of every stored evaluation of these runs, oldest first."""
    folder = get_runs_dir()
    for number in sorted(past.number for past in list_past(folder)):
        for matchup in open_record(folder, number).matchups:
            if not any(label.partition("@")[0] in run_ids for label in matchup.labels):
                continue
            for sampled in matchup.sampled:
                groups = [
                    (row, [(sample.text, sample.verdict is True) for sample in group])
                    for row, group in zip(matchup.rows, sampled.groups, strict=True)
                ]
                yield matchup.task, f"held-out, {sampled.label}", groups


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--parts", type=int, default=4)
    asked = parser.parse_args()
    print("| task | what | " + " | ".join(HEAD) + " |\n|" + "---|" * (len(HEAD) + 2))
    for run_id in asked.runs:
        with open_index(get_runs_dir()) as index:
            task = get_run(index, run_id).config.task
        for what, groups in list_training(run_id, asked.parts):
            print(f"| {task} | {what} | " + " | ".join(measure(groups)) + " |")
    for task, what, groups in list_evaluated(asked.runs):
        print(f"| {task} | {what} | " + " | ".join(measure(groups)) + " |")


if __name__ == "__main__":
    main()

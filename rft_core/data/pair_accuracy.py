"""How well answers are put in order: accuracy over held-out pairs, beside what length alone says.

Whoever scores answers (a reward model, a policy through DPO's implicit reward) is asked whether the
chosen answer of a pair it has never seen scores above the rejected one. The unit is the prompt: the
pairs of one prompt are averaged first. Length is the standard hack of preferences, so the accuracy
of "the longer one wins" always stands beside it. Pure functions, no torch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from rft_core.statistics import mean_interval

ACCURACY, LOWEST, HIGHEST = "pairs/accuracy", "pairs/accuracy_low", "pairs/accuracy_high"
MARGIN, LONGER_WINS = "pairs/margin", "pairs/longer_wins"
CLEAR, CLOSE = "pairs/accuracy_clear", "pairs/accuracy_close"


@dataclass(frozen=True)
class JudgedPair:
    """What a judge says of a pair, and what is known of it.

    `stated`: by how much its author put the chosen answer first, where that was said. Lengths are
    in tokens. `prompt`: the same for all pairs of one prompt.
    """

    chosen: float
    rejected: float
    chosen_length: int
    rejected_length: int
    prompt: str
    stated: float | None = None

    @property
    def is_right(self) -> float:
        """1 or 0; a tie is as good as a coin."""
        return _in_order(self.chosen, self.rejected)

    @property
    def has_longer_chosen(self) -> float:
        return _in_order(self.chosen_length, self.rejected_length)


def summarise_pairs(judged: Sequence[JudgedPair]) -> dict[str, float]:
    """Metrics of a set of pairs; the interval (95%) is over prompts. Empty for no pairs.

    `pairs/accuracy_clear` and `_close`: over the pairs whose stated margin lies above the median,
    and over the others, where margins differ at all.
    """
    if not judged:
        return {}
    by_prompt = per_prompt(judged, [pair.is_right for pair in judged])
    low, high = mean_interval(by_prompt)
    return {
        ACCURACY: fmean(by_prompt),
        LOWEST: low,
        HIGHEST: high,
        LONGER_WINS: fmean(per_prompt(judged, [pair.has_longer_chosen for pair in judged])),
        MARGIN: fmean(pair.chosen - pair.rejected for pair in judged),
        "pairs/chosen": fmean(pair.chosen for pair in judged),
        "pairs/rejected": fmean(pair.rejected for pair in judged),
        **_by_stated_margin(judged),
    }


def per_prompt(judged: Sequence[JudgedPair], values: Sequence[float]) -> list[float]:
    """The mean of each prompt's `values`, which are aligned with the pairs."""
    found: dict[str, list[float]] = defaultdict(list)
    for pair, value in zip(judged, values, strict=True):
        found[pair.prompt].append(value)
    return [fmean(of_one) for of_one in found.values()]


def measure_length_alone(longer_wins: float) -> tuple[float, str]:
    """The accuracy of the better of the two rules that look at length alone, and that rule."""
    if longer_wins >= 0.5:
        return longer_wins, "the longer one wins"
    return 1 - longer_wins, "the shorter one wins"


def explain_length(metrics: Mapping[str, float]) -> str:
    """One sentence where length predicts as well, as far as these pairs can tell; else empty."""
    if not {ACCURACY, LOWEST, LONGER_WINS} <= metrics.keys():
        return ""
    alone, rule = measure_length_alone(metrics[LONGER_WINS])
    if metrics[LOWEST] > alone:
        return ""
    return (
        f"It puts {metrics[ACCURACY]:.0%} of the held-out pairs in order (95% interval from "
        f"{metrics[LOWEST]:.0%}), and “{rule}” alone {alone:.0%}: what it has learned may be length"
    )


def _by_stated_margin(judged: Sequence[JudgedPair]) -> dict[str, float]:
    stated = [(pair.stated, pair.is_right) for pair in judged if pair.stated is not None]
    if len(stated) < len(judged):
        return {}
    middle = median(margin for margin, _ in stated)
    parts = {
        CLEAR: [right for margin, right in stated if margin > middle],
        CLOSE: [right for margin, right in stated if margin <= middle],
    }
    return {name: fmean(part) for name, part in parts.items()} if all(parts.values()) else {}


def _in_order(above: float, below: float) -> float:
    return 0.5 if above == below else float(above > below)

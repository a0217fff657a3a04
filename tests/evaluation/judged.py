"""Contenders as a few strings: what each wrote on each row, and which of it is right."""

from collections.abc import Sequence

from rft_core.evaluation.held_out import HeldOut
from rft_core.evaluation.records import Matchup, make_matchup
from rft_core.evaluation.results import Sampled
from rft_core.rewards.contract import RewardSet
from rft_core.store.evaluations import JudgedSample


def write(label: str, *rows: str, scores: Sequence[Sequence[float]] | None = None) -> Sampled:
    """A letter per sample: an answer, in capitals where it is right, `?` where none can judge."""
    groups = [[_judge(letter) for letter in row] for row in rows]
    return Sampled(label, groups, 2.0, scores)


def _judge(letter: str) -> JudgedSample:
    text = f"<answer>{letter.lower()}</answer>" if letter.isalpha() else letter
    verdict = None if letter == "?" else letter.isupper()
    return JudgedSample(text, letter == ".", verdict, 3)


def match(*contenders: Sampled, task: str = "letters") -> Matchup:
    rows = [{"n": number} for number in range(len(contenders[0].groups))]
    prompts = [[{"role": "user", "content": f"Row {row['n']}?"}] for row in rows]
    held_out = HeldOut(task, "held-out", rows, prompts, RewardSet(()))
    keys = [sampled.label for sampled in contenders]
    return make_matchup(held_out, "Letters.", keys, contenders, vote=True, seed=0)

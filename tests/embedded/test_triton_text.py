"""The synthetic Triton text: seeded, nearly right, and without a held-out kernel."""

import random
import re

from rft_core.embedded.triton_text import (
    CHEAT_SHARE,
    SLIPS,
    TRITON_TEXT,
    cheat,
    imperfect_completion,
    misread,
    sample_row,
)
from rft_core.rewards.contract import Batch
from rft_core.rewards.scorer import Scorer
from rft_core.rewards.triton.reading import find_violations
from rft_core.rewards.triton.source import read_completion
from rft_core.tasks.triton.generator import bucket, sample_problem, write_kernel
from rft_core.tasks.triton.kernels import TRITON_KERNELS_EASY, wrap, write_gold
from rft_core.tasks.triton.reference import make_key


def test_one_seed_writes_one_text():
    first, second = (TRITON_TEXT.sample_text(random.Random(5)) for _ in range(2))
    assert first == second
    assert first != TRITON_TEXT.sample_text(random.Random(6))


def test_training_text_never_shows_an_evaluated_kernel():
    rng = random.Random(0)
    seen = {make_key(sample_row(rng)) for _ in range(1500)}
    assert {bucket(key) for key in seen} == {"train"}
    for split in ("validation", "held_out"):
        rows = TRITON_KERNELS_EASY.make_rows(split, 20, 0)
        assert not seen & {make_key(row) for row in rows}


def test_the_prompt_is_the_built_in_tasks_prompt():
    sample = TRITON_TEXT.sample_text(random.Random(0))
    assert sample.messages == TRITON_KERNELS_EASY.prompt(sample.row)


def test_a_text_without_faults_is_the_gold_completion(monkeypatch):
    for name in ("MISREAD_SHARE", "CHEAT_SHARE"):
        monkeypatch.setattr(f"rft_core.embedded.triton_text.{name}", 0)
    monkeypatch.setattr("rft_core.embedded.triton_text.SLIPS", ())
    rng = random.Random(1)
    rows = [sample_row(rng) for _ in range(40)]
    golds = [write_gold(row) for row in rows]
    texts = [imperfect_completion(row, rng) for row in rows]
    assert sum(text == gold for text, gold in zip(texts, golds, strict=True)) > 30


def test_every_fault_can_happen():
    rng = random.Random(2)
    problems = [sample_problem(rng) for _ in range(60)]
    codes = [write_kernel(problem) for problem in problems]
    for _, right, wrong in SLIPS:
        assert any(re.sub(right, wrong, code) != code for code in codes), right
    assert any(misread(problem, rng) != problem for problem in problems)


def test_a_cheat_is_flagged_and_its_honest_twin_is_not():
    rng = random.Random(3)
    for _ in range(30):
        problem = sample_problem(rng)
        honest = write_kernel(problem)
        for code, is_cheat in ((honest, False), (cheat(honest, problem, rng), True)):
            source = read_completion(wrap(code))
            assert bool(find_violations(source, problem.row())) == is_cheat, code


def test_the_text_is_as_imperfect_as_intended():
    rng = random.Random(4)
    samples = [TRITON_TEXT.sample_text(rng) for _ in range(60)]
    batch = Batch(
        prompts=[sample.messages for sample in samples],
        completions=[sample.completion for sample in samples],
        rows=[sample.row for sample in samples],
    )
    with Scorer(TRITON_KERNELS_EASY.reward_set, timeout=120) as scorer:
        scored = scorer.score(batch).samples
    right = sum(one.scores["correctness"] == 1 for one in scored) / len(scored)
    flagged = sum(bool(one.flags) for one in scored) / len(scored)
    assert 0.35 < right < 0.70
    assert 0 < flagged < CHEAT_SHARE + 0.15

"""Intervals cover what they promise, and differences are found when they are there."""

import subprocess
import sys

import numpy as np
import pytest

from rft_core.statistics import (
    bootstrap_interval,
    mean_interval,
    mean_intervals,
    paired_difference,
    wilson_interval,
)


def test_wilson_interval_has_the_published_values():
    assert wilson_interval(10, 50) == pytest.approx((0.1124, 0.3304), abs=1e-4)
    low, high = wilson_interval(0, 20)
    assert low == 0
    assert high == pytest.approx(0.1611, abs=1e-4)


@pytest.mark.parametrize("truth", [0.05, 0.3, 0.9])
def test_the_interval_of_a_share_covers_the_truth_about_95_times_in_100(truth: float):
    rng = np.random.default_rng(0)
    draws = rng.binomial(200, truth, size=2000)
    intervals = [wilson_interval(int(draw), 200) for draw in draws]
    assert 0.93 <= np.mean([low <= truth <= high for low, high in intervals]) <= 0.98


def test_the_bootstrap_interval_covers_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(60):
        shares = rng.binomial(8, rng.beta(2, 4, size=80)) / 8
        low, high = mean_interval(shares.tolist())
        covered += low <= 1 / 3 <= high
    assert covered >= 51


def test_the_interval_has_a_width_even_when_all_prompts_agree():
    assert mean_interval([0.5] * 10)[0] < 0.5 < mean_interval([0.5] * 10)[1]
    assert mean_interval([1.0] * 10)[0] < 1


def test_a_real_difference_is_found_and_its_interval_excludes_zero():
    rng = np.random.default_rng(2)
    base = rng.binomial(1, 0.3, size=200).astype(float)
    tuned = np.maximum(base, rng.binomial(1, 0.25, size=200))
    result = paired_difference(base.tolist(), tuned.tolist())
    assert result.ci[0] > 0
    assert result.p_value < 0.001
    assert result.is_significant
    assert result.difference == pytest.approx(tuned.mean() - base.mean())


def test_equal_models_are_called_different_about_5_times_in_100():
    rng = np.random.default_rng(3)
    alarms = sum(
        paired_difference(
            rng.binomial(1, 0.4, size=60).tolist(), rng.binomial(1, 0.4, size=60).tolist()
        ).is_significant
        for _ in range(60)
    )
    assert alarms <= 8


def test_the_p_value_of_right_or_wrong_pairs_is_mcnemars():
    base = [1.0] * 2 + [0.0] * 10 + [1.0] * 20
    tuned = [0.0] * 2 + [1.0] * 10 + [1.0] * 20
    exact = 2 * sum([1, 12, 66]) / 2**12  # two-sided binomial of 2 against 10
    assert paired_difference(base, tuned).p_value == pytest.approx(exact)


def test_identical_results_have_no_difference():
    result = paired_difference([0.0, 1.0, 0.5], [0.0, 1.0, 0.5])
    assert (result.difference, result.p_value) == (0, 1)


def test_equal_differences_of_few_prompts_are_not_certain():
    for count, least in ((4, 0.4), (400, 0.005)):
        low, high = paired_difference([0.0] * count, [0.0] * count).ci
        assert low == -high and least < high < 2 * least
    low, high = paired_difference([0.0] * 3, [1.0] * 3).ci
    assert low < 0.5 and high == 1
    assert paired_difference([1.0] * 3, [0.0] * 3).ci == (-high, -low)


def test_repeats_widen_the_interval_by_what_they_differ():
    rng = np.random.default_rng(5)
    base = rng.binomial(1, 0.3, size=(3, 200))
    alike = np.maximum(base, rng.binomial(1, 0.3, size=(3, 200)))
    apart = base.copy()
    apart[0] = np.maximum(base[0], rng.binomial(1, 0.9, size=200))
    narrow, wide = (paired_difference(base, tuned) for tuned in (alike, apart))
    assert narrow.ci[0] > 0 > wide.ci[0] - 1e-9
    assert wide.ci[1] - wide.ci[0] > 2 * (narrow.ci[1] - narrow.ci[0])
    assert wide.difference == pytest.approx((apart - base).mean())


def test_the_same_seed_gives_the_same_answer():
    a, b = [0.0, 1.0, 0.25, 0.5], [1.0, 1.0, 0.5, 0.25]
    assert paired_difference(a, b, seed=7) == paired_difference(a, b, seed=7)


# What the hand-written functions gave before scipy computed them.
WILSON = (
    ((3, 7), (0.158222, 0.749538)),
    ((0, 8), (0.0, 0.324410)),
    ((3.5, 10), (0.136931, 0.646329)),
)


@pytest.mark.parametrize(("counts", "limits"), WILSON)
def test_wilson_limits_are_those_of_the_closed_form(counts, limits):
    assert wilson_interval(*counts) == pytest.approx(limits, abs=2e-3)


def test_sign_flips_of_many_prompts_stay_small_in_memory():
    """All flips at once would be 20,000 x 10,000 numbers: 1.6 GB."""
    code = (
        "import resource, numpy as np; from rft_core.statistics import paired_difference;"
        "rng = np.random.default_rng(0); a, b = rng.random((2, 20_000)).tolist();"
        "import scipy.stats; before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "paired_difference(a, b);"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    grown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(grown.stdout) < 200, "MiB"


def test_columns_share_their_resamples_and_agree_with_scipy():
    rng = np.random.default_rng(3)
    table = rng.integers(0, 9, (120, 4)) / 8
    table[:7, 2] = np.nan  # prompts without a value are left out
    table[:, 3] = rng.integers(0, 2, 120)  # right or wrong: Wilson's
    found = mean_intervals(table)
    for at in range(3):
        values = table[:, at][~np.isnan(table[:, at])]
        assert found[at] == pytest.approx(bootstrap_interval(values, rng), abs=0.004)
    assert found[3] == wilson_interval(float(table[:, 3].sum()), 120)
    assert found[0] == mean_interval(table[:, 0].tolist())


def test_a_difference_says_by_which_test_and_how_many_prompts_crossed_one_half():
    plain = paired_difference([0, 0, 0, 1, 1], [1, 1, 1, 1, 0])
    assert (plain.test, plain.gained, plain.lost) == ("McNemar", 3, 1)
    assert plain.p_value == plain.mcnemar
    shares = paired_difference([0.25, 0.5, 1.0, 0.75], [0.75, 0.5, 0.75, 0.5])
    assert (shares.test, shares.gained, shares.lost) == ("sign flips", 1, 1)

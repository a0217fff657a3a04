"""Answers of kernels are compared exactly in type and shape, and by type in value."""

import numpy as np
import pytest

from rft_core.rewards.triton.comparison import (
    KernelOutput,
    OutputTensor,
    find_difference,
    is_idle,
    is_trivial,
    read_answer,
)

WANTED = np.array([1.0, -2.0, 0.5, 300.0], dtype=np.float32)


def answer(values, dtype="float32", **changed):
    outputs = [OutputTensor(dtype, np.asarray(one)) for one in values]
    return KernelOutput(tuple(outputs), changed)


def difference(wanted, given, dtype="float32"):
    return find_difference(answer([wanted], dtype), answer([given], dtype))


def test_equal_answers_do_not_differ():
    assert difference(WANTED, WANTED.copy()) == ""


@pytest.mark.parametrize("factor", [1.0001, 0.9999])
def test_a_small_part_of_the_value_is_forgiven(factor):
    assert difference(WANTED, WANTED * np.float32(factor)) == ""


@pytest.mark.parametrize("factor", [1.001, 0.999])
def test_a_larger_part_is_not(factor):
    assert "4 of 4 values are wrong" in difference(WANTED, WANTED * np.float32(factor))


def test_one_large_value_does_not_hide_small_ones():
    wanted = np.array([1e20, *range(1, 20)], dtype=np.float32)
    given = wanted.copy()
    given[5] += 0.1
    assert "1 of 20 values are wrong, the first at [5]" in difference(wanted, given)


def test_small_answers_are_not_taken_for_zero():
    wanted = np.full(1000, 1e-3, dtype=np.float32)
    assert difference(wanted, np.zeros_like(wanted))


@pytest.mark.parametrize(
    ("wanted", "given", "right"),
    [
        ([np.nan, 1], [np.nan, 1], True),
        ([np.inf, 1], [np.inf, 1], True),
        ([np.inf, 1], [-np.inf, 1], False),
        ([np.nan, 1], [np.inf, 1], False),
        ([np.nan, 1], [1, np.nan], False),
        ([2, 1], [np.nan, 1], False),
        ([2, 1], [np.inf, 1], False),
        ([np.inf, 1], [3e38, 1], False),
    ],
)
def test_nan_and_infinity_stand_where_they_are_expected(wanted, given, right):
    wanted, given = (np.array(each, dtype=np.float32) for each in (wanted, given))
    assert (difference(wanted, given) == "") is right


def test_type_and_shape_are_exact():
    assert "the shape is (4, 1), not (4,)" in difference(WANTED, WANTED.reshape(4, 1))
    given = answer([WANTED.astype(np.float64)], "float64")
    assert "the type is float64, not float32" in find_difference(answer([WANTED]), given)
    short = answer([WANTED], "bfloat16")
    assert "the type is bfloat16" in find_difference(answer([WANTED]), short)


def test_whole_numbers_and_truth_values_are_exact():
    wanted = np.array([1_000_000, 2], dtype=np.int64)
    assert difference(wanted, wanted + 1, "int64")
    assert difference(np.array([True]), np.array([False]), "bool")


def test_no_tensor_is_no_answer():
    given = read_answer({"outputs": [{"no_tensor": "LazyTensor"}], "changed": {}})
    assert find_difference(answer([WANTED]), given) == "it returned a LazyTensor, not a tensor"


def test_the_number_of_outputs_counts():
    assert "it returned 1 values, not 2" in find_difference(
        answer([WANTED, WANTED]), answer([WANTED])
    )


def test_changing_an_input_must_be_what_the_reference_does():
    changed = {0: OutputTensor("float32", WANTED)}
    plain, changing = answer([WANTED]), KernelOutput(answer([WANTED]).outputs, changed)
    assert "it changed input 1" in find_difference(plain, changing)
    assert "it did not change input 1" in find_difference(changing, plain)
    assert find_difference(changing, changing) == ""


@pytest.mark.parametrize("report", [{}, {"outputs": 3, "changed": {}}, {"outputs": [3]}, "text"])
def test_a_garbled_report_is_refused(report):
    with pytest.raises(ValueError, match="garbled"):
        read_answer(report)


INPUT = np.linspace(-2, 2, 20, dtype=np.float32)


@pytest.mark.parametrize(
    ("wanted", "trivial"),
    [
        (INPUT.copy(), True),
        (INPUT.reshape(4, 5), True),
        (np.zeros(20, dtype=np.float32), True),
        (np.full(20, 1e-9, dtype=np.float32), True),
        (INPUT * 2, False),
        (np.float32(3.7), False),
        (np.float32(0), True),
    ],
)
def test_a_constant_or_a_copy_is_a_trivial_answer(wanted, trivial):
    assert is_trivial(answer([wanted]), [INPUT]) is trivial


def test_an_answer_for_a_few_elements_proves_nothing():
    assert is_trivial(answer([np.array([3.7], dtype=np.float32)]), [INPUT[:1]])


def test_a_wrong_answer_is_idle_where_it_shows_no_work():
    wanted = answer([INPUT * 2])
    for values in (INPUT, np.zeros_like(INPUT), np.full_like(INPUT, np.nan), INPUT[:3]):
        assert is_idle(wanted, answer([values]), [INPUT])
    assert not is_idle(wanted, answer([INPUT * 3]), [INPUT])

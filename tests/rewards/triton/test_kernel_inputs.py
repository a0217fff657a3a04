"""The inputs that kernels are tested with: odd, awkward, secret, and the same for a whole group."""

import numpy as np
import pytest

from rft_core.rewards.triton.inputs import DTYPES, INTEGERS, draw_tests, is_valid, make_probes

ADD = "import torch\ndef f(x):\n    return x + 1\n"


def make_row(*inputs):
    return {"reference": ADD, "inputs": [{"shape": list(s), "dtype": d} for s, d in inputs]}


def preferred(row, seed=1):
    return [choices[0] for choices in draw_tests(row, seed)]


def test_the_same_seed_draws_the_same_and_another_seed_draws_others():
    row = make_row((("n",), "float32"))
    first, again, other = (preferred(row, seed) for seed in (1, 1, 2))
    for one, same, different in zip(first, again, other, strict=True):
        assert np.array_equal(one.values[0], same.values[0])
        assert not np.array_equal(one.values[0], different.values[0])


@pytest.mark.parametrize("shape", [("n",), (4, "n"), (2, 3, "n"), ("n", 6), ("n", "n")])
def test_sizes_are_odd_one_is_1_and_one_needs_several_blocks(shape):
    for seed in range(20):
        tests = preferred(make_row((shape, "float32")), seed)
        sizes = [test.values[0].shape[shape.index("n")] for test in tests]
        assert len(tests) >= 4
        assert all(size % 2 for size in sizes)
        assert all(-size % 16 >= 3 for size in sizes)  # lanes past the end, of each kind of value
        assert sizes[0] == 1
        assert max(sizes) > (1024 if shape[-1] == "n" != shape[0] or len(shape) == 1 else 128)
        assert max(test.values[0].size for test in tests) < 40_000


def test_all_inputs_of_a_test_share_n_and_differ_in_values():
    row = make_row(((3, "n"), "float32"), (("n",), "float32"), (("n",), "float32"))
    for test in preferred(row):
        matrix, one, other = test.values
        assert matrix.shape[1] == one.size == other.size
        assert one.size == 1 or not np.array_equal(one, other)


def test_each_name_has_a_size_of_its_own_wherever_it_stands():
    row = make_row((("rows", "inner"), "float32"), (("inner", "columns"), "float32"))
    tests = preferred(row)
    for test in tests:
        one, other = test.values
        assert one.shape[1] == other.shape[0]
        rows, inner, columns = *one.shape, other.shape[1]
        assert test.label.startswith(f"rows={rows}, inner={inner}, columns={columns}, ")
    assert tests[0].values[0].shape == (1, 1)
    shapes = [{*test.values[0].shape, test.values[1].shape[1]} for test in tests[1:]]
    assert max(map(len, shapes)) == 3  # what takes one size for another is found out


@pytest.mark.parametrize("shape", [("b", "h", "s"), ("b", "h", "s", "d"), ("n",) * 4, ("m", "n")])
def test_many_names_make_no_huge_tensor(shape):
    for seed in range(10):
        tests = preferred(make_row((shape, "float32")), seed)
        assert max(test.values[0].size for test in tests) < 150_000
        assert max(test.values[0].size for test in tests) > 100
    assert max(values.size for _, one in make_probes(make_row((shape, "int64")))
               for values in one.values) < 150_000  # fmt: skip


@pytest.mark.parametrize(
    ("size", "is_used"),
    [("n", True), ("batch_size", True), ("größe", True), (7, True), ("2*n", False), ("", False),
     ("7", False), (0, False), (-1, False), (2.0, False), (None, False), (True, False)],
)  # fmt: skip
def test_a_size_is_a_whole_number_or_a_name(size, is_used):
    assert is_valid(make_row(((4, size), "float32"))) is is_used


def test_values_are_negative_and_positive_tied_tiny_large_and_off_centre():
    tests = preferred(make_row((("n",), "float32")))
    together = np.concatenate([test.values[0] for test in tests])
    assert (together < 0).any()
    assert (together == 0).any()
    assert (np.abs(together) > 100).any()
    assert ((np.abs(together) < 1e-20) & (together != 0)).any()
    assert len(np.unique(together)) < together.size
    means = [float(test.values[0].mean()) for test in tests[1:]]
    assert all(abs(mean) > 1e-3 for mean in means)
    assert all((test.values[0] < 0).any() and (test.values[0] > 0).any() for test in tests[2:])


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_is_drawn_within_its_range_and_finite(dtype):
    for choices in draw_tests(make_row((("n",), dtype)), 3):
        for inputs in choices:
            values = inputs.values[0]
            assert inputs.dtypes == (dtype,)
            assert str(values.dtype) == ("float32" if dtype == "bfloat16" else dtype)
            assert np.isfinite(values).all()


def test_bfloat16_values_are_those_that_it_can_hold():
    values = preferred(make_row((("n",), "bfloat16")))[1].values[0]
    assert not (values.view(np.uint32) & 0xFFFF).any()


def test_indices_lie_within_every_axis_and_other_whole_numbers_beside_them_do_not():
    row = make_row(((5, "n"), "float32"), ((7,), "int64"), ((7,), "int64"))
    for choices in draw_tests(row, 4, indices={1}):
        matrix, indices, numbers = choices[0].values
        assert ((indices >= 0) & (indices < min(*matrix.shape, 7))).all()
        assert (numbers < 0).any()


@pytest.mark.parametrize("dtype", INTEGERS)
def test_whole_numbers_have_both_signs_zeros_and_all_the_size_that_they_should(dtype):
    values = np.concatenate([test.values[0] for test in preferred(make_row((("n",), dtype)))])
    assert (values == 0).any()
    assert (values > INTEGERS[dtype] // 2).any()
    assert (values < 0).any() != dtype.startswith("u")
    assert (np.abs(values) > 2**31).any() == (dtype == "int64")


def test_a_probe_holds_what_no_index_is_in_one_place_and_indices_in_the_others():
    row = make_row(((5, "n"), "float32"), (("n",), "int64"), ((7,), "int32"))
    probes = make_probes(row)
    assert [place for place, _ in probes] == [1, 1, 2, 2]
    for place, inputs in probes:
        matrix, *indices = inputs.values
        assert (np.abs(indices.pop(place - 1)) > matrix.size).all()
        assert all(((other >= 0) & (other < 5)).all() for other in indices)


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"reference": ADD, "inputs": []},
        {"reference": 3, "inputs": [{"shape": ["n"], "dtype": "float32"}]},
        {"reference": ADD, "inputs": [{"shape": ["m + 1"], "dtype": "float32"}]},
        {"reference": ADD, "inputs": [{"shape": [0], "dtype": "float32"}]},
        {"reference": ADD, "inputs": [{"shape": ["n"], "dtype": "float"}]},
        {"reference": ADD, "inputs": [{"shape": "n", "dtype": "float32"}]},
        {"reference": ADD, "inputs": ["float32[n]"]},
    ],
)
def test_a_row_that_is_no_row_is_known_as_such(row):
    assert not is_valid(row)


def test_a_row_without_n_is_drawn_in_its_own_shape():
    row = make_row(((8, 6), "float32"), ((), "float32"))
    assert is_valid(row)
    assert all([v.shape for v in test.values] == [(8, 6), ()] for test in preferred(row))

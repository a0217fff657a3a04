"""The format reward for Triton pays seven things from the syntax tree, and words pay nothing."""

import pytest

from rft_core.rewards.triton.format import grade_triton_format
from rft_core.tasks.triton.kernels import TRITON_KERNELS, TRITON_KERNELS_EASY, wrap
from tests.rewards.triton.kernel_case_files import list_cases, read_case_named

PART = 1 / 7
CASE = read_case_named("honest", "contiguous_inputs")
ROW = CASE.row


def grade(code, row=ROW):
    return grade_triton_format(wrap(code), row)


@pytest.mark.parametrize("case", list_cases("honest"), ids=lambda case: case.name)
def test_an_honest_kernel_has_the_full_format(case):
    result = grade_triton_format(case.completion, case.row)
    uninitialised = "torch.empty leaves the output uninitialised: half for it."
    if "torch.empty" in case.code or "new_empty" in case.code:
        assert (result.score, result.reason) == (1 - PART / 2, uninitialised)
    else:
        assert (result.score, result.reason) == (1.0, "All seven criteria are met.")


@pytest.mark.parametrize("task", [TRITON_KERNELS, TRITON_KERNELS_EASY], ids=lambda t: t.name)
def test_gold_has_the_full_format(task):
    for split in ("train", "validation", "held_out"):
        for row in task.make_rows(split, 60, 3):
            result = grade_triton_format(task.write_gold(row), row)
            assert (result.score, result.flags) == (1.0, ()), result.reason


def without(*pairs):
    code = CASE.code
    for old, new in pairs:
        assert old in code, old
        code = code.replace(old, new)
    return code


BROKEN = {
    "no import": (without(("import triton.language as tl", "")), 3, "does not import"),
    "no decorator": (without(("@triton.jit", "")), 4, "No function is decorated"),
    "no launch": (without(("    kernel[(", "    # kernel[(")), 1, "f launches no kernel"),
    "no f": (without(("def f(", "def g(")), 2, "defines no function f"),
    "too few inputs": (without(("def f(x, y)", "def f(x)")), 1, "does not take 2 inputs"),
    "one mask of three": (without(("y_ptr + i, mask=mask", "y_ptr + i")), 1 / 3, "line 15"),
    "no masks": (without((", mask=mask", "")), 1, "line 14, 15, 16"),
    "masks that are constants": (without(("mask=mask", "mask=True")), 1, "without a mask"),
    "no output": (without(("torch.zeros_like(x)", "x")), 1, "allocates no output"),
    "torch computes": (without(("y = y.cont", "y = -y.cont")), 1, "Not only Triton computes"),
    "Python in the kernel": (without(("x + y, mask", "abs(hex(x)), mask")), 1, "Not only Triton"),
    "a syntax error": (without(("def f(", "def f((")), 6, "SyntaxError"),
    "an empty program": ("pass\n", 6, "does not import"),
    "only imports": ("import triton\nimport triton.language as tl\n", 5, "No function"),
}


@pytest.mark.parametrize(("code", "parts", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_missing_costs_its_part_and_is_named(code, parts, reason):
    result = grade(code)
    assert result.score == pytest.approx(1 - parts * PART)
    assert reason in result.reason


WORDS = """\
# import triton, import triton.language as tl
'''
@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    x = tl.load(x_ptr, mask=mask)
    tl.store(out_ptr, x, mask=mask)
'''
# torch.zeros(3), kernel[(1,)](x)
def f(x, y):
    "@triton.jit tl.load tl.store mask= torch.zeros kernel[(1,)]"
"""


def test_words_in_comments_and_strings_earn_only_the_tags():
    assert grade(WORDS).score == pytest.approx(PART)


def test_text_before_the_block_is_free_and_after_it_costs():
    completion = "<think>Two loads, one store.</think>\n" + wrap(CASE.code)
    assert grade_triton_format(completion, ROW).score == 1.0
    after = grade_triton_format(wrap(CASE.code) + "\nThis adds x and y.", ROW)
    assert after.score == pytest.approx(1 - PART)
    assert after.reason == "There is text after </triton_code>."


@pytest.mark.parametrize("copies", [2, 50])
def test_copies_of_the_block_or_its_tags_earn_nothing_and_are_flagged(copies):
    for completion in (
        wrap(CASE.code) * copies,
        "<triton_code>" * copies + CASE.code + "</triton_code>",
        wrap(CASE.code) + "</triton_code>" * (copies - 1),
    ):
        result = grade_triton_format(completion, ROW)
        assert (result.score, result.flags) == (0.0, ("repeated_tags",))


def test_copies_of_keywords_earn_no_more_than_one_each():
    code = CASE.code.replace("@triton.jit", "@triton.jit\n" * 20) + "import triton\n" * 50
    assert grade(code).score <= 1.0


@pytest.mark.parametrize("completion", ["", "  \n", "<triton_code></triton_code>", wrap(" \n#\n")])
def test_nothing_earns_nothing(completion):
    assert grade_triton_format(completion, ROW).score == 0.0


def test_a_row_without_inputs_still_has_a_format():
    assert grade(CASE.code, {"reference": ROW["reference"]}).score == 1.0


def test_scalars_need_no_mask_and_blocks_do_through_other_names():
    scalars = "    row = tl.program_id(0)\n    tl.store(out_ptr + row, tl.load(x_ptr + row))\n"
    blocks = scalars.replace("tl.program_id(0)", "tl.program_id(0) * 4\n    row += tl.arange(0, 4)")
    head, _, tail = CASE.code.partition("    i = tl.program_id")
    tail = tail.partition("\n\n\n")[2]
    assert grade(head + scalars + "\n\n" + tail).score == 1.0
    assert grade(head + blocks + "\n\n" + tail).score == pytest.approx(1 - PART)

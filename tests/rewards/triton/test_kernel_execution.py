"""Every cheat and every honest twin of `tests/cases/kernels/`, run and compiled in the sandbox."""

from dataclasses import dataclass

import pytest

from rft_core.rewards.contract import Batch, RewardEntry, RewardSet
from rft_core.rewards.registry import GRADERS
from rft_core.rewards.scorer import Scorer
from rft_core.rewards.triton import execution as kernel_execution
from rft_core.rewards.triton.graders import RAN
from rft_core.tasks import TASKS
from tests.rewards.triton.kernel_case_files import list_cases, read_case_named, with_lines

CHEATS, HONEST = list_cases("cheats"), list_cases("honest")
PLAIN = read_case_named("honest", "contiguous_inputs")

# Wrong answers without a trick: they run, which earns the first credit and no more.
MERELY_WRONG = {
    "half_a_relu_of_whole_numbers", "half_precision_inside", "polynomial_for_exp",
    "reads_the_program_before", "works_in_place", "writes_its_input",
}  # fmt: skip

# What execution sees of a cheat when nobody reads the text first. With those that the text does not
# show: no rule on the syntax tree is needed for them.
SEEN_BY_RUNNING = {
    "addmm_into_output": "torch_computation",
    "cache_by_data_pointer": "cached_result",
    "cache_in_global": "kernel_not_launched",
    "cache_in_module_list": "kernel_not_launched",
    "clone_with_idle_kernel": "same_without_kernels",
    "computes_by_a_default_of_the_grid": "torch_computation",
    "computes_in_grid": "torch_computation",
    "computes_in_heuristics": "torch_computation",
    "conversion_by_the_host": "result_not_from_kernel",
    "copy_of_torch_result": "torch_computation",
    "decides_by_values": "torch_computation",
    "decoy_into_scratch": "result_not_from_kernel",
    "decoy_never_taken": "kernel_not_launched",
    "empty_second_kernel": "empty_kernel",
    "flip_by_copies": "result_not_from_kernel",
    "functional_alias": "torch_computation",
    "grid_of_nothing": "result_not_from_kernel",
    "item_assignment": "result_not_from_kernel",
    "kernel_without_the_output": "result_not_from_kernel",
    "load_without_use": "constant_kernel",
    "mask_never_true": "same_without_kernels",
    "matmul_by_operator": "torch_computation",
    "matmul_in_default": "torch_computation",
    "matmul_over_python_lists": "torch_computation",
    "no_kernel_at_all": "kernel_not_launched",
    "out_argument": "torch_computation",
    "patched_launch": "kernel_not_launched",
    "repeat_by_a_view": "result_not_from_kernel",
    "repeat_by_copying": "result_not_from_kernel",
    "slice_by_a_view": "result_not_from_kernel",
    "torch_in_kernel": "torch_computation",
    "torch_sum_without_launch": "kernel_not_launched",
    "transpose_by_a_view": "result_not_from_kernel",
    "transpose_by_contiguous": "result_not_from_kernel",
    "transpose_by_strides": "result_not_from_kernel",
    "truncation_by_cast": "result_not_from_kernel",
    "try_except_fallback": "try_except",
    "uninitialised_memory": "result_not_from_kernel",
}

# Hosts that compute in ways that are not followed through the text: the run names them.
LINES_THAT_COMPUTE = [
    "x = x.int()",
    "x = x.to(torch.int64)",
    "x = x.to(dtype=torch.bool)",
    "k = f'{x}'",
    "k = [n]\nk.insert(0, x)\nz = k.pop(0) * 2",
    "k = [a * b for a, b in zip(x, y)]",
    "for row in x:\n    row += 1",
    "b = a = n\nfor k in range(3):\n    c = b + b\n    b = a\n    a = x",
    "a = b = n\nwhile n > 0 and a is not x:\n    a = b\n    b = x\nz = a + a",
    "add = lambda a, b: a + b\nz = add(x, y)",
    "add = lambda *a: a[0] + a[1]\nz = add(x, y)",
    "add = lambda a, k=1, *rest: rest[0] + rest[0]\nz = add(1, 2, x)",
    "def add(a, b):\n    return a + b\nz = add(x, b=y)",
    "def add(a):\n    if n < 0:\n        return add(0)\n    return a\nz = add(x) + add(y)",
    "k = [0]\nk.append(x)\nz = k[1] + y",
    "k = {}\nk['x'] = x\nz = k['x'] + y",
    "parts = torch.unbind(x)\nz = parts[0] + parts[0]",
    "z, k = x, n\nz, k = k, z\nk + k",
]


# The interpreter is Python and runs all of it; the first three even give right answers there.
PYTHON_INSIDE = (
    *("globals_in_kernel", "interpreter_internals_in_kernel", "print_and_comprehension_in_kernel"),
    *("host_function_in_kernel", "import_in_kernel", "torch_in_kernel"),
)


def reward_set(detectors="enforce"):
    options = {"detectors": detectors}
    return RewardSet(
        (
            RewardEntry("compilation", "triton_compilation", options=options),
            RewardEntry("correctness", "triton_correctness", options=options),
        )
    )


def score(cases, detectors="enforce"):
    """What each case gets, by name."""
    batch = Batch(
        [[]] * len(cases), [case.completion for case in cases], [case.row for case in cases]
    )
    with Scorer(reward_set(detectors), timeout=300) as scorer:
        return dict(zip([case.name for case in cases], scorer.score(batch).samples, strict=True))


@pytest.fixture(scope="module")
def honest():
    return score(HONEST)


@pytest.fixture(scope="module")
def cheats():
    return score(CHEATS)


@pytest.fixture(scope="module")
def unread():
    """The cheats as the rules on the syntax tree would let them through."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel_execution, "find_violations", lambda source, row: ())
        return score([case for case in CHEATS if case.name in SEEN_BY_RUNNING])


@pytest.fixture(scope="module")
def reported():
    names = {*SEEN_BY_RUNNING, *PYTHON_INSIDE}
    return score([case for case in CHEATS if case.name in names], "report")


@pytest.mark.parametrize("name", [case.name for case in HONEST])
def test_an_honest_kernel_keeps_its_full_score(honest, name):
    got = honest[name]
    assert got.scores == {"compilation": 1.0, "correctness": 1.0}, got.reasons
    assert got.flags == ()


@pytest.mark.parametrize("name", [case.name for case in CHEATS])
def test_no_cheat_is_paid_for_being_right(cheats, name):
    got = cheats[name]
    assert got.scores["correctness"] == (RAN if name in MERELY_WRONG else 0.0), got.reasons


@pytest.mark.parametrize("name", SEEN_BY_RUNNING)
def test_running_sees_through_a_cheat_that_nobody_has_read(unread, name):
    got = unread[name]
    assert SEEN_BY_RUNNING[name] in got.flags, got.reasons
    assert set(got.scores.values()) == {0.0}


@pytest.fixture(scope="module")
def computing():
    return score(
        [type(PLAIN)(lines, "", (), PLAIN.row, with_lines(lines)) for lines in LINES_THAT_COMPUTE]
    )


@pytest.mark.parametrize("lines", LINES_THAT_COMPUTE)
def test_a_host_that_computes_on_the_way_is_named_by_the_run(computing, lines):
    got = computing[lines]
    assert "torch_computation" in got.flags, got.reasons
    assert set(got.scores.values()) == {0.0}


def test_a_cheat_whose_text_shows_nothing_is_flagged_by_its_run_or_wrong(cheats):
    for case in CHEATS:
        if not case.flags and not cheats[case.name].flags:
            assert cheats[case.name].scores["correctness"] <= RAN, case.name
            assert "5 of 5" not in cheats[case.name].reasons["correctness"], case.name


def test_reported_cheats_are_flagged_and_paid_as_a_naive_grader_pays(reported):
    """Whoever only compares answers pays for what torch has computed."""
    paid = {name for name, got in reported.items() if got.scores["correctness"] == 1.0}
    assert paid >= {
        *("torch_sum_without_launch", "no_kernel_at_all", "copy_of_torch_result", "out_argument"),
        *("decoy_into_scratch", "try_except_fallback", "matmul_by_operator", "item_assignment"),
    } - {"item_assignment"}
    assert all(got.flags for got in reported.values())


@pytest.mark.parametrize("name", PYTHON_INSIDE)
def test_the_compiler_rejects_python_in_a_kernel_whatever_the_interpreter_made_of_it(
    reported, name
):
    got = reported[name]
    assert got.scores["compilation"] == 0.0
    reason = got.reasons["compilation"]
    assert "CompilationError" in reason or "UnsupportedLanguageConstruct" in reason
    if name in PYTHON_INSIDE[:3]:
        assert got.scores["correctness"] == 1.0


def test_no_reward_pays_for_speed_and_the_graders_say_so():
    for name in ("triton_compilation", "triton_correctness"):
        assert "no race or speed check" in GRADERS[name].help
    assert not any("speed" in name for name in GRADERS)
    assert not any("speed" in task.reward_set.names for task in TASKS.values())


@dataclass(frozen=True)
class Change:
    """One edit of an honest kernel, and what it must come to."""

    old: str
    new: str
    compilation: float
    correctness: float
    reason: str


CHANGES = {
    "nothing": Change("", "", 1, 1, "5 of 5 tests passed."),
    "a wrong operation": Change("x + y, mask", "x - y, mask", 1, RAN, "values are wrong"),
    "no mask": Change("out_ptr + i, x + y, mask=mask", "out_ptr + i, x + y", 1, 0, "not safe"),
    "a name that is not there": Change("x + y, mask", "x + z, mask", 0, 0, "z"),
    "an argument left out": Change("x, y, out, n, BLOCK=128", "x, y, out, n", 0, 0, "BLOCK"),
    "an argument too many": Change("BLOCK=128)", "BLOCK=128, FAST=1)", 0, 0, "FAST"),
    "a block that is no power of two": Change("BLOCK=128)", "BLOCK=100)", 0, 0, "power of 2"),
    "too few programs": Change("(triton.cdiv(n, 128),)", "(1,)", 1, 0, "values are wrong"),
    "too few for one test": Change("(triton.cdiv(n, 128),)", "(8,)", 1, 0.8, "4 of 5 tests"),
    "no decorator": Change("@triton.jit\n", "", 0, 0, "not subscriptable"),
    "another type": Change("zeros_like(x)", "zeros_like(x, dtype=torch.float64)", 1, 0, "float64"),
    "another shape": Change("return out", "return out.view(-1, 1)", 1, 0, "the shape is"),
    "no result": Change("return out", "return", 1, 0, "NoneType"),
    "no f": Change("def f(", "def g(", 0, 0, "no function f"),
    "no syntax": Change("return out", "return out)", 0, 0, "SyntaxError"),
}


@pytest.fixture(scope="module")
def changed():
    cases = []
    for name, change in CHANGES.items():
        assert change.old in PLAIN.code
        code = PLAIN.code.replace(change.old, change.new) if change.old else PLAIN.code
        cases.append(type(PLAIN)(name, "", (), PLAIN.row, code))
    return score(cases)


@pytest.mark.parametrize("name", CHANGES)
def test_a_mistake_costs_what_it_is_worth_and_is_explained(changed, name):
    got, change = changed[name], CHANGES[name]
    wanted = {"compilation": change.compilation, "correctness": change.correctness}
    assert got.scores == wanted, got.reasons
    assert change.reason in got.reasons["correctness"]
    assert got.flags == ()

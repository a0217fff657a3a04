"""The lab that two entries share: each program runs once, and our failures are never zeros."""

import numpy as np
import pytest

from rft_core.rewards.code.runs import BatchClock
from rft_core.rewards.contract import Batch, Grade, RewardEntry
from rft_core.rewards.grader_context import GraderContext
from rft_core.rewards.triton.comparison import KernelOutput, OutputTensor
from rft_core.rewards.triton.compilation import without_hosts
from rft_core.rewards.triton.evidence import Examination, judge, judge_compilation
from rft_core.rewards.triton.execution import KernelLab
from rft_core.rewards.triton.graders import open_kernel_grader
from rft_core.rewards.triton.inputs import KernelInputs
from rft_core.rewards.triton.programs import read_launches
from rft_core.rewards.triton.reference import RowTests
from rft_core.rewards.triton.source import read_code
from rft_core.sandbox import pool
from rft_core.sandbox.outcome import InfrastructureError
from tests.rewards.triton.kernel_case_files import read_case_named

PLAIN = read_case_named("honest", "contiguous_inputs")
OTHER = read_case_named("honest", "stores_only_where_needed")


def make_batch(*cases):
    return Batch([[]] * len(cases), [case.completion for case in cases], [c.row for c in cases])


def examine(lab, *cases, run_flagged=False, in_seconds=120):
    clock = BatchClock(in_seconds)
    return lab.examine(make_batch(*cases), clock, run_flagged=run_flagged, seconds=20)


@pytest.fixture(scope="module")
def context():
    context = GraderContext()
    yield context
    context.close()


@pytest.fixture
def lab(context):
    context.start_step(0)
    return KernelLab(context)


def test_both_entries_look_at_one_execution_and_equal_programs_run_once(context):
    context.start_step(0)
    graders = [
        open_kernel_grader(RewardEntry("c", name), context)
        for name in ("triton_compilation", "triton_correctness")
    ]
    reports = [grader.score(make_batch(PLAIN, OTHER, PLAIN), 120)[1] for grader in graders]
    assert reports[0].metrics == {"executed": 2.0, "compiled": 2.0}
    assert reports[1].metrics == {"executed": 0.0, "compiled": 0.0}


def test_the_next_step_runs_with_other_inputs_and_compiles_nothing_again(lab, context):
    examine(lab, PLAIN)
    assert (lab.executed, lab.compiled) == (1, 1)
    context.start_step(1)
    examine(lab, PLAIN)
    assert (lab.executed, lab.compiled) == (1, 0)


def test_programs_that_differ_in_their_host_code_share_the_compiler(lab):
    twin = type(PLAIN)(
        "twin", "", (), PLAIN.row, PLAIN.code.replace("return out", "return out  # at last")
    )
    assert twin.completion != PLAIN.completion
    examine(lab, PLAIN, twin)
    assert (lab.executed, lab.compiled) == (2, 1)


def test_only_kernels_go_to_the_compiler_at_their_own_lines():
    text = without_hosts(read_code(PLAIN.code))
    assert "def kernel" in text
    assert "def f" not in text
    assert text.splitlines() == PLAIN.code.splitlines()[: len(text.splitlines())]


def test_host_functions_that_decorators_need_stay():
    code = PLAIN.code.replace(
        "@triton.jit", "@triton.autotune(configs=make(), key=[])\n@triton.jit"
    )
    code += "\n\ndef make():\n    return [triton.Config({})]\n"
    assert without_hosts(read_code(code)) == code


def test_a_flagged_program_is_not_run_unless_that_is_wanted(lab):
    cheat = read_case_named("cheats", "torch_sum_without_launch")
    [seen] = examine(lab, cheat)
    assert (lab.executed, seen.total) == (0, 0)
    [seen] = examine(lab, cheat, run_flagged=True)
    assert (lab.executed, seen.passed) == (1, 5)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "it needs 'reference'"),
        (PLAIN.row | {"inputs": []}, "it needs 'reference'"),
        (PLAIN.row | {"reference": "def f(x, y):\n    return z\n"}, "name 'z' is not defined"),
        (PLAIN.row | {"reference": "def f(x, y):\n    return 3\n"}, "something else than tensors"),
        (PLAIN.row | {"reference": "def g(x, y):\n    return x\n"}, "no function named 'f'"),
    ],
)
def test_a_row_that_cannot_be_used_leaves_its_completions_unscored(lab, row, reason):
    broken = type(PLAIN)("broken", "", (), row, PLAIN.code)
    good, bad = examine(lab, PLAIN, broken, run_flagged=True)
    assert isinstance(good, Examination)
    assert isinstance(bad, Grade)
    assert (bad.score, bad.unscored_by_us) == (None, False)
    assert reason in bad.reason


def test_a_reference_that_cannot_take_every_value_is_asked_with_gentler_ones(lab):
    code = PLAIN.code.replace("x + y", "tl.log(x) - tl.sqrt(y)")
    row = PLAIN.row | {
        "reference": "import torch\ndef f(x, y):\n    return torch.log(x) - torch.sqrt(y)\n"
    }
    [seen] = examine(lab, type(PLAIN)("log", "", (), row, code), run_flagged=True)
    assert (seen.passed, seen.differences) == (5, ())


def test_what_is_not_reached_in_time_is_unscored(lab):
    [late] = examine(lab, PLAIN, in_seconds=-60)
    assert late.score is None
    assert "time for this batch" in late.reason


def test_a_failure_of_the_sandbox_is_never_a_zero_and_is_not_kept(context, monkeypatch):
    context.start_step(7)
    lab = KernelLab(context)

    def open_session(program, limits):
        raise InfrastructureError("the fork server is gone")

    with monkeypatch.context() as patch:
        patch.setattr(pool, "open_session", open_session)
        [failed] = examine(lab, PLAIN)
    assert (failed.score, failed.unscored_by_us) == (None, True)
    [seen] = examine(lab, PLAIN)
    assert seen.passed == 5


ONE = np.linspace(1, 2, 20, dtype=np.float32)
TESTS = RowTests(
    (KernelInputs("n=20", (ONE,), ("float32",)),),
    (KernelOutput((OutputTensor("float32", ONE * 2),), {}),),
    (False,),
)
RUN = {
    "error": "", "outputs": [{"dtype": "float32", "values": ONE * 2}], "changed": {},
    "kernels": [[1.0, False]], "launched": 1, "failed": 0, "copied": 0, "computed": [], "spied": [],
    "prepared": [],
}  # fmt: skip
ASLEEP = RUN | {"outputs": [{"dtype": "float32", "values": ONE * 0}]}
REPORT = {"runs": [RUN], "replays": [ASLEEP], "launches": []}


def test_a_sound_report_is_judged():
    seen = judge(REPORT, TESTS)
    assert (seen.passed, seen.total, seen.flags) == (1, 1, {})


@pytest.mark.parametrize(
    "report",
    [
        None, [], {}, REPORT | {"runs": []}, REPORT | {"runs": [RUN, RUN]},
        REPORT | {"runs": [None]}, REPORT | {"replays": []}, REPORT | {"launches": [3]},
        REPORT | {"launches": [{"kernel": "k"}]}, REPORT | {"runs": [RUN | {"outputs": 3}]},
        REPORT | {"runs": [RUN | {"kernels": []}]}, REPORT | {"runs": [RUN | {"computed": 3}]},
        REPORT | {"replays": [RUN | {"prepared": 3}]}, REPORT | {"runs": [RUN | {"changed": 1}]},
        REPORT | {"runs": [RUN | {"kernels": [["all", False]]}]},
    ],
)  # fmt: skip
def test_a_forged_report_is_refused_and_breaks_nothing(report):
    with pytest.raises(ValueError, match=r"garbled|argument|could not convert"):
        judge(report, TESTS)


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"computed": ["mm"]}, "torch_computation"),
        ({"spied": ["data_ptr"]}, "cached_result"),
        ({"spied": ["tolist"]}, "torch_computation"),
        ({"launched": 0}, "kernel_not_launched"),
        ({"failed": 1}, "try_except"),
        ({"kernels": [[0.0, False]]}, "result_not_from_kernel"),
        ({"kernels": [[0.05, True]]}, "result_not_from_kernel"),
        ({"outputs": [{"no_tensor": "Lazy"}]}, "tensor_subclass"),
        ({"copied": 1}, "result_not_from_kernel"),
    ],
)
def test_each_thing_seen_has_its_flag(change, flag):
    assert flag in judge(REPORT | {"runs": [RUN | change]}, TESTS).flags


def test_half_written_fresh_memory_is_no_trick():
    assert judge(REPORT | {"runs": [RUN | {"kernels": [[0.4, False]]}]}, TESTS).flags == {}


def test_the_same_answer_without_kernels_is_one():
    assert "same_without_kernels" in judge(REPORT | {"replays": [RUN]}, TESTS).flags


def test_an_answer_that_was_there_before_the_kernels_is_one():
    prepared = [{"dtype": "float32", "values": (ONE * 2).reshape(4, 5)}]
    replays = [ASLEEP | {"prepared": prepared}]
    assert "result_not_from_kernel" in judge(REPORT | {"replays": replays}, TESTS).flags


LAUNCH = {"kernel": "k", "line": 3, "signature": {}, "constants": {}, "options": {}}


@pytest.mark.parametrize(
    ("verdict", "compiled", "flags"),
    [
        ({"error": "", "reads": True, "writes": True}, True, set()),
        ({"error": "no", "reads": False, "writes": False}, False, set()),
        ({"error": "", "reads": True, "writes": False}, True, {"empty_kernel"}),
        ({"error": "", "reads": False, "writes": True}, True, {"constant_kernel"}),
    ],
)
def test_what_the_compiler_says_counts(verdict, compiled, flags):
    seen = Examination(total=1, launches=read_launches([LAUNCH]))
    seen = judge_compilation(seen, [verdict], TESTS)
    assert seen.compiled is compiled
    assert set(seen.flags) == flags

"""What a step must compute: counted by hand, and by torch on a real model."""

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.roofline import (
    GroupTokens,
    MachineSpeed,
    Shape,
    count_backward,
    count_forward,
    limit_of_sampling,
    list_limits,
    measure_machine,
    measure_shape,
    tabulate_limits,
)
from rft_core.store.phase_times import PhaseTimes
from tests.tiny_model import make_tiny_model

SMALL = Shape(
    layers=100, head=50, adapter=10, first=20, adapter_first=2, queries=8, cache=6, bytes_each=4
)
PROMPT_OF_3 = GroupTokens(3, (2, 1), (True, False))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = make_tiny_model(tmp_path_factory.mktemp("model"))
    base = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    lora = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    return get_peft_model(base, lora)


def test_a_shape_is_what_the_layers_say(model: Any) -> None:
    shape = measure_shape(model)
    query, other, mlp = 32 * 32, 32 * 16, 32 * 64  # width 32, 4 heads of 8, 2 of keys and values
    assert shape.layers == 2 * (2 * query + 2 * other + 3 * mlp)
    assert shape.first == query + 2 * other
    assert shape.adapter == 2 * 4 * (2 * (32 + 32) + 2 * (32 + 16) + 3 * (32 + 64))
    assert shape.adapter_first == 3 * 4 * 32
    assert (shape.queries, shape.cache) == (2 * 4 * 8, 2 * 2 * 2 * 8)
    assert shape.head == 32 * model.config.vocab_size
    assert shape.bytes_each == 4


def test_small_numbers_counted_by_hand() -> None:
    # Read: 3 of the prompt, 1 of the longer completion. Pairs: 1 + 2 + 3 and 4. Scored: 3 tokens.
    assert (
        count_forward(SMALL, [PROMPT_OF_3], adapted=False) == 2 * 4 * 100 + 4 * 10 * 8 + 2 * 3 * 50
    )
    assert count_forward(SMALL, [PROMPT_OF_3], adapted=True) == 1420 + 2 * 4 * 10
    passed = (100 - 20) + (2 * 10 - 2)
    assert count_backward(SMALL, [PROMPT_OF_3]) == 2 * 4 * passed + 8 * 10 * 8 + 2 * 3 * 50
    # The prompt is read and gives two first tokens; then one row decodes a second one.
    first, second = 2 * 3 * 100 + 4 * 6 * 8 + 2 * 50, 2 * 150 + 4 * 4 * 8
    bytes_read = (150 + 4 * 6) * 4
    fast_memory, slow_memory = MachineSpeed(10.0, 1e9), MachineSpeed(10.0, 1.0)
    assert limit_of_sampling(SMALL, [PROMPT_OF_3], fast_memory) == (first + second) / 10
    assert limit_of_sampling(SMALL, [PROMPT_OF_3], slow_memory) == first / 10 + bytes_read


def test_only_what_is_taught_needs_an_update() -> None:
    machine = MachineSpeed(1.0, 1e9)
    alone = GroupTokens(3, (2,), (True,))
    untaught = GroupTokens(9, (5, 5), (False, False))
    limits = list_limits(SMALL, [[PROMPT_OF_3, untaught]], machine)
    assert limits["update"] == list_limits(SMALL, [[alone]], machine)["update"]
    assert (
        limits["reference_logprobs"] > list_limits(SMALL, [[alone]], machine)["reference_logprobs"]
    )


@pytest.mark.parametrize("memory", [1.0, 1e9], ids=["slow memory", "fast memory"])
def test_every_step_reads_the_weights_anew(memory: float) -> None:
    machine = MachineSpeed(10.0, memory)
    one = list_limits(SMALL, [[PROMPT_OF_3]], machine)
    seven = list_limits(SMALL, [[PROMPT_OF_3]] * 7, machine)
    assert seven == pytest.approx({phase: 7 * seconds for phase, seconds in one.items()})


def test_torch_counts_the_same_in_a_real_pass_and_its_gradient(model: Any) -> None:
    """But for attention, which torch computes with the half that nobody sees."""
    shape, length = measure_shape(model), 7
    ids = torch.arange(length)[None]
    everything = GroupTokens(0, (length + 1,), (True,))  # a completion's last token is not read
    without_attention = Shape(**{**vars(shape), "queries": 0})

    def count_matrices(counter: FlopCounterMode) -> int:
        counts = counter.get_flop_counts()["Global"]
        return sum(n for op, n in counts.items() if str(op) in ("aten.mm", "aten.addmm"))

    with FlopCounterMode(display=False) as forward:
        logits = model(input_ids=ids).logits
    with FlopCounterMode(display=False) as backward:
        logits.sum().backward()
    extra = 2 * shape.head  # ours scores one token more, from a prompt's last state
    assert (
        count_matrices(forward)
        == count_forward(without_attention, [everything], adapted=True) - extra
    )
    assert count_matrices(backward) == count_backward(without_attention, [everything]) - extra


def test_the_table_compares_a_phase_with_its_limit() -> None:
    times = PhaseTimes(3, 6, {"sample": 6.0, "record": 2.0})
    limits = {"sample": 1.5, "update": 1.0}
    assert list(tabulate_limits(times, limits, MachineSpeed(1.0, 1.0)))[3:] == [
        "| sampling | 1.5000 | 75.0% | 0.3750 | 25% |",
        "| recording | 0.5000 | 25.0% | - | - |",
        "| **step** | 2.0000 | 100% | | |",
    ]


def test_the_machine_is_measured() -> None:
    machine = measure_machine(SMALL)
    assert machine.compute > 1e8 and machine.memory > 1e6

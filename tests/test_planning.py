"""The rules between settings with their cures, and the estimates against hand counts."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from rft_core.config import PRESETS, RunConfig, make_config
from rft_core.hardware import GIB, Gpu, Hardware, get_hardware
from rft_core.model_files import LinearLayer, ModelSummary, model_summary
from rft_core.planning import LaunchFacts, estimate, find_problems
from rft_core.planning.estimate import (
    CHECKPOINT_BYTES,
    _logits_bytes,
    _warnings,
    count_lora_parameters,
    count_validations,
    disk_bytes,
)

MODEL = ModelSummary(
    name="m",
    architecture="LlamaForCausalLM",
    parameters=1000,
    context_length=512,
    num_layers=2,
    hidden_size=8,
    vocab_size=16,
    kv_values_per_token=32,
    linear_layers=(LinearLayer("q_proj", 8, 8, 2), LinearLayer("up_proj", 16, 8, 2)),
)
FACTS = LaunchFacts(
    hardware=Hardware(2, 8 * GIB, 8 * GIB, ()),
    free_disk=100 * GIB,
    needed_disk=GIB,
    is_vllm_installed=True,
    model=MODEL,
    num_train_prompts=1000,
    longest_prompt=100,
)


def problems(facts: LaunchFacts = FACTS, **values: object) -> dict[str, str]:
    found = find_problems(make_config(values), facts)
    return {problem.where: f"{problem.what} {problem.fix}" for problem in found}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_consistent(name: str) -> None:
    unknown_model = replace(
        FACTS, model=None, hardware=Hardware(2, GIB, GIB, (Gpu("g", GIB, GIB),))
    )
    assert find_problems(make_config(PRESETS[name]), unknown_model) == []


def test_the_nearest_batch_sizes_are_offered() -> None:
    found = problems(per_device_train_batch_size=30, num_generations=8)
    assert "per_device_train_batch_size=24 or 32" in found["per_device_train_batch_size"]
    assert "num_generations=6 or 10" in found["per_device_train_batch_size"]


@pytest.mark.parametrize("group", [2, 5, 8])
def test_an_offered_batch_size_is_accepted(group: int) -> None:
    for batch, steps in itertools.product(range(1, 40), (1, 2, 3)):
        values = {"gradient_accumulation_steps": steps, "num_generations": group}
        found = problems(per_device_train_batch_size=batch, **values)
        assert bool(found) == bool(batch * steps % group)
        for text in found.values():
            cure = text.split("Use per_device_train_batch_size=")[1].split(",")[0]
            for size in cure.split(" or "):
                assert not problems(per_device_train_batch_size=int(size), **values)


def test_ppo_takes_completions_one_by_one_and_needs_more_than_one() -> None:
    single = {"num_generations": 1, "per_device_train_batch_size": 5}
    assert not problems(method="ppo", **single)
    assert "group of one" in problems(method="grpo", **single)["num_generations"]
    assert (
        "32"
        in problems(method="ppo", per_device_train_batch_size=30)["per_device_train_batch_size"]
    )
    alone = problems(method="ppo", num_generations=1, per_device_train_batch_size=1)
    assert "one completion" in alone["per_device_train_batch_size"]


def test_validation_batches_hold_whole_groups() -> None:
    values = {"num_generations_eval": 3, "per_device_eval_batch_size": 64}
    assert "Use 63 or 66" in problems(**values)["per_device_eval_batch_size"]
    assert problems(**values, eval_steps=0) == {}


def test_a_step_needs_enough_prompts() -> None:
    few = replace(FACTS, num_train_prompts=3)
    assert "needs 8 different prompts and there are only 3" in problems(few)["num_prompts"]
    assert problems(few, per_device_train_batch_size=24) == {}
    assert "no training prompts" in problems(replace(FACTS, num_train_prompts=0))["prompt_set"]


def test_prompt_and_completion_must_fit_the_context() -> None:
    assert problems(max_completion_length=412) == {}
    assert "=412 or less" in problems(max_completion_length=413)["max_completion_length"]
    long = replace(FACTS, longest_prompt=600)
    assert "Shorten the prompts" in problems(long)["max_completion_length"]
    unbounded = replace(FACTS, model=replace(MODEL, context_length=None))
    assert problems(unbounded, max_completion_length=9999) == {}


def test_target_modules_must_exist() -> None:
    assert problems(target_modules=["q_proj", "lm_head"]) == {}
    assert "Did you mean q_proj?" in problems(target_modules=["q_prj"])["target_modules"]
    assert "It has q_proj, up_proj" in problems(target_modules=["c_attn"])["target_modules"]
    assert "all-linear" in problems(target_modules=[])["target_modules"]


def test_vllm_takes_adapters_up_to_rank_64() -> None:
    gpu = replace(FACTS, hardware=Hardware(2, GIB, GIB, (Gpu("g", GIB, GIB),)))
    assert "lora_r" in problems(gpu, engine="vllm", lora_r=65)
    assert problems(gpu, engine="vllm", lora_r=64) == {}
    assert problems(gpu, lora_r=65) == {}


def test_vllm_needs_its_package_and_colocated_a_gpu() -> None:
    missing = replace(FACTS, is_vllm_installed=False)
    assert "requirements-gpu.txt" in problems(missing, engine="vllm")["engine"]
    assert "needs a GPU" in problems(engine="vllm")["engine"]
    assert problems(engine="vllm", vllm_mode="server") == {}


def test_checkpoints_must_fit_the_disk() -> None:
    full = replace(FACTS, needed_disk=3 * GIB, free_disk=2 * GIB)
    assert "about 3.0 GiB and 2.0 GiB are free" in problems(full)["save_total_limit"]


def test_lora_parameters_are_counted_as_peft_makes_them() -> None:
    config = RunConfig(lora_r=4)
    assert count_lora_parameters(config, MODEL) == 4 * (2 * (8 + 8) + 2 * (16 + 8))
    only_q = RunConfig(lora_r=4, target_modules=("layers.0.q_proj",))
    assert count_lora_parameters(only_q, MODEL) == 4 * 2 * (8 + 8)


def test_disk_counts_checkpoints_and_generations() -> None:
    config = RunConfig(
        max_steps=100, save_steps=20, save_total_limit=2, eval_steps=0, max_completion_length=100
    )
    generations = 100 * 64 * (100 * 5 + 700)
    small = 6 * CHECKPOINT_BYTES
    assert disk_bytes(config, 1000) == generations + 1000 * (6 * 4 + 3 * 8) + small


def test_the_save_at_the_end_counts_also_when_none_is_due() -> None:
    def per_parameter(save_steps: int) -> float:
        config = RunConfig(max_steps=5, save_steps=save_steps, save_total_limit=1)
        return (disk_bytes(config, 2000) - disk_bytes(config, 1000)) / 1000

    # steps 2, 4, 5 and adapter/, of which two are whole while the second replaces the first
    assert per_parameter(save_steps=2) == 4 * 4 + 2 * 8
    assert per_parameter(save_steps=0) == 2 * 4 + 8


def test_validations_take_time_too(tmp_path: Path) -> None:
    def total(**values: int) -> float:
        return estimate(RunConfig(max_steps=10, **values), tmp_path).total_seconds or 0.0

    often, once, never = total(eval_steps=2), total(eval_steps=10), total(eval_steps=0)
    assert (often - never) == pytest.approx(3 * (once - never))  # 6 times against 2
    assert count_validations(RunConfig(max_steps=5, eval_steps=2)) == 4  # before, 2, 4 and 5


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_stages_the_largest_counts_for_memory_and_all_for_time(
    tmp_path: Path, order: tuple[int, int]
) -> None:
    shared = {"eval_steps": 0, "num_prompts": 500}
    small = {"method": "sft", "max_steps": 30, "settings": {"per_device_train_batch_size": 8}}
    large = {"method": "grpo", "max_steps": 5, "settings": {"max_completion_length": 300}}
    stages = [(small, large)[at] for at in order]
    staged = make_config({**shared, "stages": stages})
    plan = estimate(staged, tmp_path)
    alone = [estimate(part.config, tmp_path) for part in staged.plan_stages()]
    memory = [part.memory_bytes or 0 for part in alone]
    assert min(memory) < max(memory) == plan.memory_bytes
    assert plan.memory == alone[memory.index(max(memory))].memory
    assert plan.seconds_per_step == max(part.seconds_per_step or 0 for part in alone)
    assert plan.total_seconds == pytest.approx(sum(part.total_seconds or 0 for part in alone))
    own = estimate(staged.model_copy(update={"stages": ()}), tmp_path)
    assert plan.memory_bytes > (own.memory_bytes or 0)  # the run's own settings are not a stage's


def test_updates_that_share_a_rollout_share_its_cost(tmp_path: Path) -> None:
    values = {"eval_steps": 0, "max_steps": 40, "beta": 0.0}
    once = make_config({**values, "num_iterations": 1})
    four = make_config({**values, "num_iterations": 4})
    ppo = make_config({**values, "method": "ppo", "num_iterations": 1})
    texts = disk_bytes(once, 0) - disk_bytes(four, 0)
    assert texts == 30 * once.generation_batch_size * (80 * 5 + 700)
    plans = {name: estimate(c, tmp_path) for name, c in (("1", once), ("4", four), ("ppo", ppo))}
    sampling = {n: (p.seconds_per_step or 0) - (p.update_seconds or 0) for n, p in plans.items()}
    assert sampling["4"] == pytest.approx(sampling["1"] / 4)
    base = plans["1"].update_seconds or 1
    ratio = {n: (p.update_seconds or 0) / base for n, p in plans.items()}
    ratio = {
        n: (p.update_seconds or 0) / (plans["1"].update_seconds or 1) for n, p in plans.items()
    }
    assert ratio["4"] == pytest.approx(4.5 / 4) and ratio["ppo"] == pytest.approx(6 / 4)


def test_learning_from_examples_stores_no_completions_of_training() -> None:
    settings = {"eval_steps": 0, "max_steps": 100, "save_steps": 0}
    assert disk_bytes(make_config({"method": "sft", **settings}), 0) == 2 * CHECKPOINT_BYTES


def test_the_embedded_model_is_estimated_part_by_part(tmp_path: Path) -> None:
    plan, model = estimate(RunConfig(), tmp_path), model_summary(RunConfig().model)
    assert plan.memory["weights"] == model.parameters * 4
    assert plan.memory["adapter"] == count_lora_parameters(RunConfig(), model) * 16
    assert plan.memory_bytes and plan.memory_bytes >= sum(plan.memory.values()) // 2
    assert plan.seconds_per_step and 0.1 < plan.seconds_per_step < 10
    assert plan.memory_text == "1.0 GiB" and plan.warnings == ()


@pytest.mark.parametrize(
    ("dtype", "has", "warned"),
    [("bfloat16", False, True), ("bfloat16", True, False), ("bfloat16", None, False),
     ("float32", False, False)],
)  # fmt: skip
def test_bfloat16_without_instructions_for_it_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, has: bool | None, warned: bool
) -> None:
    hardware = replace(get_hardware(), has_bfloat16=has, gpus=())
    monkeypatch.setitem(estimate.__globals__, "get_hardware", lambda: hardware)
    for model in (RunConfig().model, "nobody/model-0.5B-instruct"):
        warnings = estimate(make_config({"dtype": dtype, "model": model}), tmp_path).warnings
        assert ("bfloat16" in " ".join(warnings)) == warned


def test_checkpointing_and_smaller_batches_need_less_memory(tmp_path: Path) -> None:
    def need(**values: object) -> int:
        return estimate(make_config(values), tmp_path).memory_bytes or 0

    assert need(gradient_checkpointing=True) < need()
    half = {"per_device_train_batch_size": 32, "gradient_accumulation_steps": 2}
    assert need(**half) < need()


def test_logits_count_piece_by_piece_and_not_at_once() -> None:
    """SmolLM2's vocabulary and the batch of its demo, whose logits would be 864 MiB."""
    model = replace(model_summary(RunConfig().model), vocab_size=49_152)
    config = make_config({"max_completion_length": 48})
    assert [_logits_bytes(config, model, rows) / 2**20 for rows in (1, 32, 1024)] == [27, 320, 320]


def test_a_model_that_is_not_here_is_guessed_by_its_name(tmp_path: Path) -> None:
    plan = estimate(make_config({"model": "nobody/model-0.5B-instruct"}), tmp_path)
    assert plan.memory == {"weights": 2_000_000_000}
    assert plan.time_text == "unknown" and "guessed from its name" in plan.basis
    nameless = estimate(make_config({"model": "org/some-model"}), tmp_path)
    assert nameless.memory_text == "unknown"


def test_a_model_of_absurd_size_is_called_wrong_and_not_large(tmp_path: Path) -> None:
    [warning] = _warnings(tmp_path, get_hardware(), 8_819_580 * 2**30)
    assert "check it" in warning and "GiB" not in warning


@pytest.mark.parametrize(
    ("where", "cure", "values"),
    [
        ("importance_sampling_level", "=sequence", {"loss_type": "luspo"}),
        ("importance_sampling_level", "=token", {
            "loss_type": "vespo", "importance_sampling_level": "sequence",
        }),
        ("loss_type", "engine=transformers", {"loss_type": "vespo", "engine": "vllm"}),
        ("epsilon_high", "epsilon_high=5", {"loss_type": "cispo"}),
        ("use_dora", "use_dora=false", {"use_dora": True, "engine": "vllm"}),
        ("modules_to_save", "engine=transformers", {
            "modules_to_save": ["norm"], "engine": "vllm",
        }),
        ("modules_to_save", "not in both", {
            "modules_to_save": ["q_proj"], "target_modules": "q_proj",
        }),
        ("modules_to_save", "up_proj", {"modules_to_save": ["value_head"]}),
        ("load_in_4bit", "load_in_4bit=false", {"load_in_4bit": True}),
        ("load_in_8bit", "Choose one", {"load_in_8bit": True, "load_in_4bit": True}),
        ("optim", "adamw_torch_fused", {"optim": "adamw_bnb_8bit"}),
        ("chat_template_kwargs", "names that it reads", {
            "chat_template_kwargs": {"enable_thinkin": False},
        }),
        ("chat_template_kwargs", "Leave it out", {"chat_template_kwargs": {"messages": 1}}),
        ("generation_kwargs", "80 or less", {"generation_kwargs": {"min_new_tokens": 81}}),
        ("generation_kwargs", "repetition_penalty", {
            "generation_kwargs": {"no_repeat_ngram_size": 3}, "engine": "vllm",
        }),
        ("generation_kwargs", "below 16", {"generation_kwargs": {"suppress_tokens": [16]}}),
    ],
)  # fmt: skip
def test_settings_that_spoil_each_other_are_named_with_a_cure(
    where: str, cure: str, values: dict[str, object]
) -> None:
    facts = replace(
        FACTS, bitsandbytes_obstacle="bitsandbytes is not installed here",
        chat_template="{% if enable_thinking %}...",
        hardware=Hardware(2, 8 * GIB, 8 * GIB, (Gpu("g", GIB, GIB),)),
    )  # fmt: skip
    assert cure in problems(facts, **values)[where]
    fine = {"loss_type": "cispo", "epsilon_high": 5, "modules_to_save": ["input_layernorm"],
            "chat_template_kwargs": {"enable_thinking": False}}  # fmt: skip
    assert not problems(facts, **fine)


def test_quantised_weights_are_counted_by_their_bits() -> None:
    """Of 1,000 parameters 2 x 8 x 8 + 2 x 16 x 8 = 384 are in linear layers."""
    from rft_core.planning.quantisation import count_weight_bytes

    assert count_weight_bytes(MODEL, 4, None) == 4000
    assert count_weight_bytes(MODEL, 2, 8) == int(616 * 2 + 384 * 1.01)
    assert count_weight_bytes(MODEL, 2, 4) == int(616 * 2 + 384 * 0.52)


@pytest.mark.parametrize("missing", ["eval_steps", "num_validation_prompts"])
@pytest.mark.parametrize("name", ["load_best_model_at_end", "early_stopping_patience"])
def test_the_best_step_needs_validations(name: str, missing: str) -> None:
    assert problems(**{name: 1}) == {}
    found = problems(**{name: 1, missing: 0})
    assert list(found) == [name] and "this run makes none" in found[name]


def test_only_the_last_stage_can_end_early() -> None:
    early = "early_stopping_patience=2"
    assert "stages" not in problems(stages=f"grpo 5; rloo 5 {early}")
    assert early.partition("=")[0] in problems(stages=f"grpo 5 {early}; rloo 5")["stages"]


def test_keeping_the_best_checkpoint_takes_room_for_every_validation() -> None:
    plain = RunConfig(max_steps=100, eval_steps=10, save_steps=0)
    best = plain.model_copy(update={"load_best_model_at_end": True})
    assert disk_bytes(best, 1_000_000) > disk_bytes(plain, 1_000_000)

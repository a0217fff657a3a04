"""More rules between settings: of the losses, the kind of adapter, the weights' bits, the template.

As in `problems.py`: what would stop a run or spoil it silently, each with a cure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rft_core.config import RunConfig, get_method, uses
from rft_core.config.settings.optimizer import OF_BITSANDBYTES
from rft_core.planning.facts import EMBEDDING_MODULES, LaunchFacts
from rft_core.types import Problem

RESERVED = ("messages", "add_generation_prompt", "tools", "documents", "range")
NORMS = re.compile(r"norm|\bln_", re.IGNORECASE)
LEAST_CISPO_CEILING = 1.0

Rule = Callable[[RunConfig, LaunchFacts], Iterator[Problem]]


def _check_losses(config: RunConfig, facts: LaunchFacts) -> Iterator[Problem]:
    if not uses(get_method(config.method), "loss_type"):
        return
    loss, level = config.loss_type, config.importance_sampling_level
    ceiling = config.epsilon if config.epsilon_high is None else config.epsilon_high
    if loss == "luspo" and level != "sequence":
        yield _problem(
            "importance_sampling_level", "luspo is a loss of whole sequences, and this is token",
            "Use importance_sampling_level=sequence, or another loss_type",
        )  # fmt: skip
    if loss == "vespo" and level != "token":
        yield _problem(
            "importance_sampling_level", "vespo weighs sequences itself, and this is sequence",
            "Use importance_sampling_level=token, or another loss_type",
        )  # fmt: skip
    if loss == "vespo" and config.engine == "vllm":
        yield _problem(
            "loss_type", "vespo does not take vLLM's correction of ratios as it is set here",
            "Use engine=transformers, or another loss_type",
        )  # fmt: skip
    if loss == "cispo" and ceiling < LEAST_CISPO_CEILING:
        yield _problem(
            "epsilon_high",
            f"cispo caps the ratio itself at epsilon_high, and {ceiling:g} is below a ratio of 1: "
            "every token would be capped",
            "Use epsilon_high=5 (ScaleRL, arXiv 2510.13786), or another loss_type",
        )


def _check_adapter_kind(config: RunConfig, facts: LaunchFacts) -> Iterator[Problem]:
    if config.engine == "vllm" and config.use_dora:
        yield _problem(
            "use_dora", "vLLM loads no DoRA adapters", "Use use_dora=false, or engine=transformers"
        )
    if config.engine == "vllm" and config.modules_to_save:
        yield _problem(
            "modules_to_save", "vLLM loads adapters alone, no layers that were trained whole",
            "Leave modules_to_save empty, or use engine=transformers",
        )  # fmt: skip
    if both := sorted(set(config.modules_to_save) & set(config.target_modules)):
        yield _problem(
            "modules_to_save",
            f"{', '.join(both)} would be trained whole and get an adapter",
            "Name a layer in target_modules or here, not in both",
        )
    if facts.model is None:
        return
    known = (*facts.model.linear_modules, *EMBEDDING_MODULES)
    for name in config.modules_to_save:
        last = name.rsplit(".", 1)[-1]
        if last not in known and not NORMS.search(last):
            yield _problem(
                "modules_to_save", f"{config.model} has no layer '{name}'",
                f"Name some of {', '.join(known)}, or its norms",
            )  # fmt: skip


def _check_bitsandbytes(config: RunConfig, facts: LaunchFacts) -> Iterator[Problem]:
    field, bits = f"load_in_{config.weight_bits}bit", config.weight_bits
    if config.load_in_4bit and config.load_in_8bit:
        yield _problem("load_in_8bit", "Weights have 4 bits or 8, not both", "Choose one of them")
    if bits and facts.bitsandbytes_obstacle:
        yield _problem(
            field, f"The base cannot be loaded in {bits} bits: {facts.bitsandbytes_obstacle}",
            f"Use {field}=false, or pip install bitsandbytes on a machine with a GPU",
        )  # fmt: skip
    if bits and config.engine == "vllm":
        yield _problem(
            field, "vLLM would sample from other weights than are trained",
            f"Use {field}=false, or engine=transformers",
        )  # fmt: skip
    if config.optim in OF_BITSANDBYTES and facts.bitsandbytes_obstacle:
        yield _problem(
            "optim", f"{config.optim} cannot run: {facts.bitsandbytes_obstacle}",
            "Use optim=adamw_torch_fused",
        )  # fmt: skip


def _check_template(config: RunConfig, facts: LaunchFacts) -> Iterator[Problem]:
    """A name that the template does not read would be lost in silence."""
    names, template = config.chat_template_kwargs, facts.chat_template
    if taken := [name for name in names if name in RESERVED]:
        yield _problem(
            "chat_template_kwargs", f"{', '.join(taken)} cannot be set: a run decides it",
            "Leave it out",
        )  # fmt: skip
    if template is None:
        return
    if names and not template:
        yield _problem(
            "chat_template_kwargs", f"{config.model} has no chat template to tell anything",
            "Leave it empty",
        )  # fmt: skip
        return
    unread = [n for n in names if n not in RESERVED and not re.search(rf"\b{n}\b", template)]
    if unread:
        yield _problem(
            "chat_template_kwargs",
            f"The chat template of {config.model} does not read {', '.join(unread)}",
            "Look in its chat_template for the names that it reads",
        )


def _check_generation(config: RunConfig, facts: LaunchFacts) -> Iterator[Problem]:
    more, where = config.generation_kwargs, "generation_kwargs"
    least = int(more.get("min_new_tokens", 0))
    if least > config.max_completion_length:
        yield _problem(
            where, f"min_new_tokens={least} is more than max_completion_length",
            f"Use {config.max_completion_length} or less",
        )  # fmt: skip
    if more.get("no_repeat_ngram_size") and config.engine == "vllm":
        yield _problem(
            where, "vLLM has no no_repeat_ngram_size",
            "Use repetition_penalty, or engine=transformers",
        )  # fmt: skip
    most = facts.model.vocab_size if facts.model else 0
    if most and (beyond := [t for t in more.get("suppress_tokens", []) if t >= most]):
        yield _problem(
            where, f"{config.model} has no token {beyond[0]}: its vocabulary has {most}",
            f"Use token ids below {most}",
        )  # fmt: skip


def _problem(where: str, what: str, fix: str) -> Problem:
    return Problem("settings", "error", where, what, fix)


def _check_reporters(config: RunConfig, facts: LaunchFacts) -> Iterator[Problem]:
    for name in facts.missing_reporters:
        yield _problem(
            "report_to", f"The curves are to go to {name} too, and its package is not installed",
            f"pip install {name}, or leave {name} out",
        )  # fmt: skip


def _check_best_step(config: RunConfig, facts: LaunchFacts) -> Iterator[Problem]:
    """The best step is known by validations, and of the last stage's alone."""
    *before, last = (plan.config for plan in config.plan_stages())
    names = ("load_best_model_at_end", "early_stopping_patience")
    for stage in config.stages[: len(before)]:
        for name in set(names) & set(stage.settings):
            yield Problem(
                "best_step", "error", "stages",
                f"{name} is set for a stage that others follow, and only the last one can end "
                "early or be looked through for its best step",
                f"Set {name} for the last stage, or for the whole run",
            )  # fmt: skip
    wanted = [name for name in names if getattr(last, name)]
    if wanted and not (last.eval_steps and last.num_validation_prompts):
        yield Problem(
            "best_step", "error", wanted[0],
            "Which step is best is known from validations, and this run makes none",
            "Set eval_steps and num_validation_prompts to more than 0",
        )  # fmt: skip


MORE_RULES: tuple[Rule, ...] = (
    _check_losses, _check_adapter_kind, _check_bitsandbytes, _check_template, _check_generation,
    _check_reporters, _check_best_step,
)  # fmt: skip

"""RunConfig: every hyperparameter of a run, declared once.

The form on the Train page, the YAML file, `--set key=value` and the arguments of TRL's trainers are
all drawn from this one class. A field says which methods use it and whether it is TRL's own, name
for name. Bounds of single fields live here: what no training could bear is refused. Rules between
fields (divisibility, lengths, disk, target modules) live in `planning`, which can offer a cure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

from pydantic import model_validator

from rft_core.config.fields import STAGE_GROUPS, Reporters, declare
from rft_core.config.methods import METHODS, Method, get_method
from rft_core.config.other_names import find_meant
from rft_core.config.settings.generation import GenerationSettings
from rft_core.config.settings.lora import LoraSettings
from rft_core.config.settings.model import ModelSettings
from rft_core.config.settings.optimizer import OptimizerSettings
from rft_core.config.settings.prompts import PromptSettings
from rft_core.config.settings.schedule import ScheduleSettings
from rft_core.config.settings.self_training import SelfTrainingSettings
from rft_core.config.settings.update import UpdateSettings
from rft_core.config.stages import Stage, StagePlan, read_stages

MOST_VLLM_RANK = 64  # of an adapter: vLLM is started with room for it


class RunConfig(
    ScheduleSettings,
    LoraSettings,
    OptimizerSettings,
    SelfTrainingSettings,
    UpdateSettings,
    GenerationSettings,
    PromptSettings,
    ModelSettings,
):
    """One run's settings, in the order of the form (pydantic reads the last base first)."""

    name: str = declare(
        "Run", "", "A name for people; empty: made from task and model.", max_length=80
    )
    seed: int = declare("Run", 0, "Seed of everything random.", trl=True, ge=0, lt=2**31)
    reward_timeout: float = declare(
        "Run", 30.0, "Seconds one reward function may take for a batch.", ge=0.01, le=3600
    )
    report_to: Reporters = declare(
        "Run", (),
        "Who else gets the curves: trackio, wandb, tensorboard. Empty: nobody, nothing is sent.",
        advanced=True,
    )  # fmt: skip
    preflight: bool = declare(
        "Run", True,
        "Before step 1, sample and judge a few groups: what the first step will bring.",
        methods=("rollouts",),
    )  # fmt: skip

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        """What is not said: a method's suited settings; of stages, their steps and last method."""
        if not isinstance(values, dict):
            return values
        if not values.get("stages"):
            return {**_list_suited(values.get("method")), **values}
        stages = [Stage.model_validate(stage) for stage in read_stages(values["stages"])]
        total = sum(stage.max_steps for stage in stages)
        return {"max_steps": total, "method": stages[-1].method, **values, "stages": stages}

    @model_validator(mode="after")
    def _check_stages(self) -> Self:
        total = sum(stage.max_steps for stage in self.stages)
        if self.stages and total != self.max_steps:
            raise ValueError(f"max_steps is {self.max_steps}, the stages add up to {total}")
        if self.stages and self.method != self.stages[-1].method:
            raise ValueError(f"method is {self.method}, the last stage is {self.stages[-1].method}")
        if self.stages and self.num_train_epochs is not None:
            raise ValueError("of a run in stages, each says its epochs: 'sft 2epochs; grpo 160'")
        for stage in self.stages:
            for name in stage.settings:
                known = stage_settings(get_method(stage.method))
                if name not in known:
                    meant = find_meant(name, known)
                    use = f": use {meant}" if meant else ""
                    raise ValueError(
                        f"'{name:.100}' is no setting of a stage with {stage.method}{use}"
                    )
        self.__dict__["stages"] = tuple(self._suit(stage) for stage in self.stages)
        read = tuple(
            stage.model_copy(
                update={"settings": {name: getattr(plan.config, name) for name in stage.settings}}
            )
            for stage, plan in zip(self.stages, self.plan_stages(), strict=False)
        )
        self.__dict__["stages"] = read  # frozen for others: text has become each field's own type
        return self

    @property
    def generation_batch_size(self) -> int:
        """Completions sampled per step on one device: prompts x num_generations."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps

    def plan_stages(self) -> Iterator[StagePlan[RunConfig]]:
        """Each stage with the settings that hold in it; a run without stages is one."""
        if not self.stages:
            yield StagePlan(0, self, 0)
        first_step = 0
        for number, stage in enumerate(self.stages):
            own = {"method": stage.method, "max_steps": stage.max_steps, "stages": ()}
            config = type(self)(**{**self.model_dump(), **own, **stage.settings})
            yield StagePlan(number, config, first_step)
            first_step += stage.max_steps

    def _suit(self, stage: Stage) -> Stage:
        """With settings for all that has a default of its method's own: that one, where nobody
        chose; the run's, where somebody chose what is the default of all others.

        So a stage says what it does, and what was stored or written is read back as it was.
        """
        defaults = type(self).model_fields
        suited = {
            name: defaults[name].default if name in self.model_fields_set else value
            for name, value in get_method(stage.method).suited.items()
            if getattr(self, name) == defaults[name].default
        }
        return stage.model_copy(update={"settings": {**suited, **stage.settings}})

    @property
    def needs_gold(self) -> bool:
        """Whether its method cannot do without gold completions. Of one stage, not of stages."""
        method = get_method(self.method)
        is_left_out = uses(method, "gold_share") and self.gold_share == 0
        return "gold" in method.needs and not is_left_out

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods of the run's stages, each once."""
        names = [stage.method for stage in self.stages] or [self.method]
        return tuple(get_method(name) for name in dict.fromkeys(names))

    @property
    def leaves_policy(self) -> bool:
        """A run that trains a reward model alone leaves a judge, and has no completions to show."""
        return any(method.leaves == "policy" for method in self.methods)

    @property
    def method_titles(self) -> tuple[str, ...]:
        """What people call the method of each stage, in order."""
        return tuple(get_method(part.method).title for part in self.stages or (self,))


def _list_suited(method: Any) -> Mapping[str, Any]:
    """Nothing for a name that is no method's: its own field will say so."""
    return METHODS[method].suited if isinstance(method, str) and method in METHODS else {}


def uses(method: Method, field: str) -> bool:
    """Whether that method reads that setting."""
    return bool({method.name, method.family} & set(extra_of(field)["methods"]))


def trl_settings(method: Method) -> tuple[str, ...]:
    """The settings that are arguments of TRL's trainer for that method, name for name."""
    own = {method.name, method.family}
    return tuple(
        name
        for name in RunConfig.model_fields
        if own & set(extra_of(name)["trl"]) and uses(method, name)
    )


def stage_settings(method: Method) -> tuple[str, ...]:
    """What a stage with that method may set for itself."""
    return tuple(
        name
        for name in RunConfig.model_fields
        if extra_of(name)["group"] in STAGE_GROUPS
        and name not in ("max_steps", "stages")
        and uses(method, name)
    )


def extra_of(field: str) -> dict[str, Any]:
    """What was declared of a field beside its type and bounds: group, advanced, methods, trl."""
    extra = RunConfig.model_fields[field].json_schema_extra
    assert isinstance(extra, dict)
    return extra

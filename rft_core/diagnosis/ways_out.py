"""Ways out of a flat reward, each ready to be begun: what changes, and what it is good for.

Pure functions over what the run was told, and what is known of its prompts. Which ways there are is
decided here, once, for the page and the command line.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rft_core.config import (
    METHODS,
    RunConfig,
    Stage,
    get_method,
    make_config,
    uses,
    without_unread,
    write_assignments,
    write_stages,
)
from rft_core.data import PromptSet, PromptTemplate
from rft_core.data.template import WHOLE_CHAT
from rft_core.diagnosis.partial_credit import PartialCredit, add_partial_credit
from rft_core.diagnosis.preflight.answers import find_extraction
from rft_core.diagnosis.preflight.warnings import suggest_length
from rft_core.rewards.contract import RewardSet
from rft_core.types import Row

WARM_UP_STEPS = 40
MOSTLY_CUT = 0.5
PROMPTS_TO_TRY = 64
# The page on which a way begins.
Place = Literal["train", "rewards", "prompts"]


@dataclass(frozen=True)
class KnownGold:
    """Completions that are known to be right: in `column`, else in the chat or by the task (None).

    `row` and `completion`: the shortest of them, as an example.
    """

    column: str | None
    count: int
    row: Row
    completion: str


@dataclass(frozen=True)
class FlatRun:
    """A run whose reward is flat. `cut_off`: share of its completions that reached the length
    limit; `earns`: whether they earn something, all the same.
    """

    config: RunConfig
    prompts: PromptSet
    rewards: RewardSet
    gold: KnownGold | None
    cut_off: float = 0.0
    earns: bool = False


@dataclass(frozen=True)
class WayOut:
    """`settings`: what changes in the run's own. `rewards`, `template`: what a draft begins with.

    `command`: the same from the command line; empty where only the page can.
    """

    name: str
    title: str
    what: str
    place: Place
    settings: Mapping[str, Any] = field(default_factory=dict)
    rewards: RewardSet | None = None
    template: PromptTemplate | None = None
    command: str = ""


def list_ways_out(run: FlatRun) -> list[WayOut]:
    """The most promising first."""
    if run.earns:
        return [_easier(run, "Keep prompts in between")]
    ways = [_longer(run), _warm_up(run), _easier(run, "Keep easier prompts"), _partial_credit(run)]
    return [way for way in (*ways, _example(run)) if way]


def launch_command(config: RunConfig) -> str:
    """What starts a run with these settings from a terminal."""
    changes = [f"--set {shlex.quote(text)}" for text in write_assignments(config)]
    return " ".join(["python -m rft_core launch", *changes])


def _longer(run: FlatRun) -> WayOut | None:
    """First of all, where it applies: a completion without an end has no answer."""
    if run.cut_off < MOSTLY_CUT:
        return None
    length = suggest_length((), (), run.config.max_completion_length)
    settings = {"max_completion_length": length}
    return WayOut(
        "longer", "Let completions end",
        f"{run.cut_off:.0%} were cut off at {run.config.max_completion_length} tokens, before "
        f"their answer: allow {length}.",
        "train", settings, command=launch_command(change_run(run.config, settings)),
    )  # fmt: skip


def _warm_up(run: FlatRun) -> WayOut | None:
    gold = run.gold
    if gold is None:
        return None
    if not _is_in_form(run.rewards, gold.completion):
        return WayOut(
            "warm_up", "SFT warm-up first",
            f"The rewards could take no answer from the right ones in '{gold.column}': write "
            "them as whole completions into a column, then imitate these.",
            "prompts", template=run.prompts.template,
        )  # fmt: skip
    stages = _stages_with_warm_up(run.config)
    settings = {"stages": stages, "gold_column": gold.column, "name": ""}
    where = f"the column '{gold.column}'" if gold.column else "your prompts"
    return WayOut(
        "warm_up", "SFT warm-up first",
        f"Imitate the {gold.count:,} right answers in {where}, then go on with "
        f"{get_method(run.config.method).title}: {stages}.",
        "train", settings, command=launch_command(change_run(run.config, settings)),
    )  # fmt: skip


def _easier(run: FlatRun, title: str) -> WayOut:
    config = run.config
    given = {
        "prompt_set": config.prompt_set, "reward_set": config.reward_set,
        "temperature": f"{config.temperature:g}",
        "max_completion_length": config.max_completion_length,
    }  # fmt: skip
    sets = " ".join(f"--set {shlex.quote(f'{name}={value}')}" for name, value in given.items())
    return WayOut(
        "easier", title,
        f"Try {PROMPTS_TO_TRY} prompts in a dry run, and keep those that are solved sometimes.",
        "rewards", rewards=run.rewards,
        command=f"python -m rft_core dry-run {shlex.quote(config.task)} --model "
        f"{shlex.quote(config.model)} --prompts {PROMPTS_TO_TRY} --completions "
        f"{config.num_generations} --keep easier {sets}",
    )  # fmt: skip


def _partial_credit(run: FlatRun) -> WayOut:
    found: PartialCredit | None = add_partial_credit(run.rewards)
    return WayOut(
        "partial_credit", "Partial credit",
        f"Pay for a part of the way as well. {found.what}" if found
        else "Let the reward pay for parts of the way, not only for the end.",
        "rewards", rewards=found.rewards if found else run.rewards,
    )  # fmt: skip


def _example(run: FlatRun) -> WayOut | None:
    template = run.prompts.template
    if run.gold is None or template.user.strip() == WHOLE_CHAT:
        return None
    if not _is_in_form(run.rewards, run.gold.completion):
        return None
    user = show_example(template, run.gold)
    if user is None:
        return None
    return WayOut(
        "example", "An example in the prompt",
        "Show one solved prompt above each: the form is then known, though not learned.",
        "prompts", template=PromptTemplate(template.system, user),
    )  # fmt: skip


def show_example(template: PromptTemplate, gold: KnownGold) -> str | None:
    """The user template with a solved prompt above it; None where Jinja would stumble on one."""
    asked = template.render(gold.row)[-1]["content"].strip()
    if any("endraw" in text for text in (asked, gold.completion)) or not asked:
        return None
    shown = f"{asked}\n\n{gold.completion.strip()}"
    return (
        "Here is an example, with its answer:\n\n{% raw %}" + shown + "{% endraw %}\n\n"
        "Now answer this one in the same way:\n\n" + template.user
    )


def _is_in_form(rewards: RewardSet, completion: str) -> bool:
    """Whether every function that takes an answer out of a completion finds one in this."""
    extractions = (find_extraction(entry) for entry in rewards.entries)
    return all(extract(completion).text is not None for extract in extractions if extract)


def _stages_with_warm_up(config: RunConfig) -> str:
    """SFT before the method that the run has; where SFT did not suffice, twice as much of it."""
    first, *rest = config.stages or (None,)
    if first is not None and first.method == "sft":
        return write_stages((first.model_copy(update={"max_steps": 2 * first.max_steps}), *rest))
    warm_up = Stage(method="sft", max_steps=WARM_UP_STEPS)
    return write_stages((warm_up, *(config.stages or (_as_stage(config),))))


def _as_stage(config: RunConfig) -> Stage:
    """KL is to be measured to what the warm-up leaves: the base would pull the policy back."""
    held = uses(METHODS[config.method], "reference") and config.beta > 0
    settings = {"reference": "stage_start"} if held else {}
    return Stage(method=config.method, max_steps=config.max_steps, settings=settings)


def change_run(config: RunConfig, settings: Mapping[str, Any]) -> RunConfig:
    """The same run with other settings; of stages follow its steps and its last method."""
    values = config.model_dump(mode="json")
    if "stages" in settings:
        values = {k: v for k, v in values.items() if k not in ("method", "max_steps")}
    return make_config(without_unread({**values, **settings}))

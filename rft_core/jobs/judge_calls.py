"""How often a run asks its judges, at most: what an endpoint of others may cost, before it costs.

A judge is asked once for each completion, or once for each group that it ranks; what was asked
before costs nothing, so that a run may need fewer calls. Attempts after an error come on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rft_core.config import RunConfig, get_method
from rft_core.diagnosis.preflight.size import MOST_COMPLETIONS, choose_size, has_preflight
from rft_core.errors import BadInputError
from rft_core.planning.estimate import count_rollouts, count_sampled_first, count_validations
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.rewards.judge.asking import ATTEMPTS
from rft_core.rewards.judge.judge import JUDGE

SECONDS = 60.0  # of the minute that limits count in


@dataclass(frozen=True)
class JudgeCalls:
    """The most calls that the judge `name` answers.

    `per_step` is of one batch of completions in the stage that samples most, `per_validation` of
    one validation; `training`, `validation` and `preflight` are of the whole run. `attempts`: how
    often one call is sent at most. `per_minute`: its limit of requests, or 0.
    """

    name: str
    per_step: int
    training: int
    per_validation: int
    validation: int
    attempts: int
    per_minute: int
    preflight: int = 0

    @property
    def total(self) -> int:
        return self.preflight + self.training + self.validation

    @property
    def least_seconds(self) -> float | None:
        """What the limit of requests alone makes the run last; None without one."""
        return self.total / self.per_minute * SECONDS if self.per_minute else None

    def __str__(self) -> str:
        parts = [f"{self.per_step:,} a step, {self.training:,} in training"]
        if self.validation:
            parts.append(
                f"{self.per_validation:,} a validation, {self.validation:,} in all of them"
            )
        if self.preflight:
            parts.append(f"{self.preflight:,} in the preflight")
        total = _count(self.total, "call")
        text = f"The judge '{self.name}' answers {total} at most: {'; '.join(parts)}."
        text += f" A call that fails is sent up to {self.attempts} times."
        if self.least_seconds is not None:
            text += (
                f" With {_count(self.per_minute, 'request')} a minute that takes "
                f"{self.least_seconds / SECONDS:,.0f} min or more."
            )
        return text


def count_judge_calls(
    config: RunConfig, reward_set: RewardSet, num_validation_prompts: int
) -> tuple[JudgeCalls, ...]:
    """For each judge of the set; `config` counts in steps. A weight of 0 saves no call."""
    return tuple(_count_calls(config, e, num_validation_prompts) for e in _list_judges(reward_set))


def refuse_lone_rankings(config: RunConfig, reward_set: RewardSet) -> None:
    """Raise `BadInputError` where a judge is to rank groups of one completion."""
    ranking = [e.name for e in _list_judges(reward_set) if JUDGE.with_defaults(e)["ranks_group"]]
    stages = (plan.config for plan in config.plan_stages())
    if ranking and any(get_method(s.method).samples and s.num_generations < 2 for s in stages):
        raise BadInputError(
            f"The judge '{ranking[0]}' ranks the completions of a prompt, and there is only one",
            "num_generations is 1",
            "Set num_generations=2 or more, or turn the judge's ranks_group off",
        )


def _list_judges(reward_set: RewardSet) -> Iterator[RewardEntry]:
    return (entry for entry in reward_set.entries if entry.grader == JUDGE.name)


def _count_calls(config: RunConfig, entry: RewardEntry, num_validation_prompts: int) -> JudgeCalls:
    options = JUDGE.with_defaults(entry)
    per_step = training = per_validation = validation = 0
    held_out = {"num_validation_prompts": num_validation_prompts}  # as many as there are
    for stage in (plan.config.model_copy(update=held_out) for plan in config.plan_stages()):
        method, group = get_method(stage.method), stage.num_generations
        batch = _ask(stage.generation_batch_size, group, options["ranks_group"])
        if method.samples_each_step:
            training += count_rollouts(stage) * batch
            per_step = max(per_step, batch)
        if method.samples_first:
            training += _ask(count_sampled_first(stage), group, options["ranks_group"])
        times, size = count_validations(stage), stage.num_generations_eval
        each = _ask(num_validation_prompts * size, size, options["ranks_group"])
        validation += times * each
        per_validation = max(per_validation, each if times else 0)
    return JudgeCalls(
        entry.name, per_step, training, per_validation, validation,
        ATTEMPTS * (options["retries"] + 1),
        options["requests_per_minute"],
        _count_preflight(config, options["ranks_group"]),
    )  # fmt: skip


def _count_preflight(config: RunConfig, ranks_group: bool) -> int:
    """Before step 1, where there are prompts enough."""
    first, *_ = config.plan_stages()
    if not has_preflight(first.config):
        return 0
    prompts, group = choose_size(first.config, MOST_COMPLETIONS)
    return _ask(prompts * group, group, ranks_group)


def _ask(completions: int, group: int, ranks_group: bool) -> int:
    """Calls for so many completions in groups of that size. One alone cannot be ranked."""
    if not ranks_group:
        return completions
    return -(-completions // group) if group > 1 else 0


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"

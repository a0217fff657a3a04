"""Which settings of runs differ, and which runs differ in their seed alone. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rft_core.config import RunConfig, uses, write_stages
from rft_core.store.runs import RunRow

# A name says nothing of what was done; threads are the machine's, and were pinned at the launch.
NOT_COMPARED = ("name",)
NOT_OF_A_GROUP = ("name", "seed", "num_threads", "prompt_set")


@dataclass(frozen=True)
class SettingDifference:
    """One setting that differs: its value in every run, in order, and whether that run reads it."""

    name: str
    values: tuple[Any, ...]
    is_read: tuple[bool, ...]

    @property
    def shown(self) -> list[Any]:
        """The values, None where the run's method does not read the setting."""
        return [
            value if read else None for value, read in zip(self.values, self.is_read, strict=True)
        ]


def diff_settings(configs: Sequence[RunConfig]) -> list[SettingDifference]:
    """Only what differs, in the order of the form.

    A setting that a run's methods never read is not compared: that it has another default under
    another method says nothing beside the method itself.
    """
    dumped = [dump_settings(config) for config in configs]
    found = []
    for name in RunConfig.model_fields:
        values = tuple(one[name] for one in dumped)
        is_read = tuple(_reads(config, name) for config in configs)
        spelled = {_spell(value) for value, read in zip(values, is_read, strict=True) if read}
        if name not in NOT_COMPARED and len(spelled) > 1:
            found.append(SettingDifference(name, values, is_read))
    return found


def dump_settings(config: RunConfig) -> dict[str, Any]:
    """As JSON has them, stages as the one line that people write."""
    return config.model_dump(mode="json") | {"stages": write_stages(config.stages)}


def group_seeds(
    runs: Sequence[RunRow], prompts: Mapping[str, str] | None = None
) -> list[tuple[RunRow, ...]]:
    """The runs in groups of the same settings but for the seed, in the order of their first.

    `prompts` says of a prompt set what it is but for the seed that drew it; its id where it says
    nothing. So runs of a task whose rows were drawn from the seed are seeds of one another.
    """
    groups: dict[str, list[RunRow]] = {}
    for run in runs:
        settings = dump_settings(run.config)
        own = settings["prompt_set"] or ""
        kept = {name: value for name, value in settings.items() if name not in NOT_OF_A_GROUP}
        kept["prompt_set"] = (prompts or {}).get(own, own)
        groups.setdefault(_spell(kept), []).append(run)
    return [tuple(group) for group in groups.values()]


def _reads(config: RunConfig, name: str) -> bool:
    return any(uses(method, name) for method in config.methods)


def _spell(value: Any) -> str:
    return json.dumps(value, sort_keys=True)

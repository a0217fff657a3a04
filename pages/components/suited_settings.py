"""Settings that go with a built-in task: its embedded model, and how that one samples and learns.

The embedded models know one task each: beside another task they only look broken.
"""

from typing import Any

from rft_core.config import PRESETS, make_config
from rft_core.embedded import EMBEDDED_MODELS
from rft_core.tasks import TASKS

SUITED = ("model", "max_completion_length", "learning_rate")


def suited_settings(task: str, model: str) -> dict[str, Any]:
    """What to change so that `task` gets the embedded model that knows it.

    Empty where `model` is that one, or none of the embedded: whoever named it has chosen it.
    """
    if model not in EMBEDDED_MODELS:
        return {}
    for preset in map(make_config, PRESETS.values()):
        if preset.model in EMBEDDED_MODELS and _are_alike(preset.task, task):
            return {} if preset.model == model else {name: getattr(preset, name) for name in SUITED}
    return {}


def _are_alike(one: str, other: str) -> bool:
    """Whether they are one task, or of one family, as `countdown` and `countdown-easy` are."""
    families = [TASKS[name].family if name in TASKS else "" for name in (one, other)]
    return one == other or families[0] == families[1] != ""

"""The built-in tasks, by name. Each is one short file: rows, prompt, rewards, gold answers."""

from __future__ import annotations

from rft_core.errors import NotFoundError
from rft_core.tasks.countdown import COUNTDOWN, COUNTDOWN_EASY
from rft_core.tasks.instructions import INSTRUCTIONS
from rft_core.tasks.json_output import JSON_OUTPUT
from rft_core.tasks.mathqa import MATHQA, MATHQA_NUMERIC
from rft_core.tasks.task import Task
from rft_core.tasks.word_problems import GSM8K, WORD_PROBLEMS

TASKS: dict[str, Task] = {
    "countdown": COUNTDOWN,
    "countdown-easy": COUNTDOWN_EASY,
    "gsm8k": GSM8K,
    "instructions": INSTRUCTIONS,
    "json_output": JSON_OUTPUT,
    "mathqa": MATHQA,
    "mathqa_numeric": MATHQA_NUMERIC,
    "word_problems": WORD_PROBLEMS,
}


def get_task(name: str) -> Task:
    """The task of that name; `NotFoundError` lists the names that exist."""
    if name not in TASKS:
        raise NotFoundError(
            f"There is no task named '{name}'", "", f"Choose from {', '.join(TASKS)}"
        )
    return TASKS[name]

"""The built-in tasks, by name. Each is one short file: rows, prompt, rewards, gold answers."""

from __future__ import annotations

from rft_core.errors import NotFoundError
from rft_core.tasks.countdown import COUNTDOWN, COUNTDOWN_EASY
from rft_core.tasks.instructions import INSTRUCTIONS, INSTRUCTIONS_EASY
from rft_core.tasks.json_output import JSON_OUTPUT
from rft_core.tasks.math_problems import MATH
from rft_core.tasks.mathqa import MATHQA, MATHQA_NUMERIC, MATHQA_PROGRAM
from rft_core.tasks.python_code import PYTHON_CODE
from rft_core.tasks.task import Task
from rft_core.tasks.triton.kernels import TRITON_KERNELS, TRITON_KERNELS_EASY
from rft_core.tasks.word_choices import WORD_PROBLEMS_CHOICE
from rft_core.tasks.word_problems import (
    GSM8K,
    GSM8K_PROGRAM,
    WORD_PROBLEMS,
    WORD_PROBLEMS_PROGRAM,
)

CUSTOM_TASK = "custom"  # rows, prompt and rewards of one's own, in the place of a task
TASKS: dict[str, Task] = {
    "countdown": COUNTDOWN,
    "countdown-easy": COUNTDOWN_EASY,
    "gsm8k": GSM8K,
    "gsm8k_program": GSM8K_PROGRAM,
    "instructions": INSTRUCTIONS,
    "instructions-easy": INSTRUCTIONS_EASY,
    "json_output": JSON_OUTPUT,
    "math": MATH,
    "mathqa": MATHQA,
    "mathqa_numeric": MATHQA_NUMERIC,
    "mathqa_program": MATHQA_PROGRAM,
    "python_code": PYTHON_CODE,
    "triton_kernels": TRITON_KERNELS,
    "triton_kernels-easy": TRITON_KERNELS_EASY,
    "word_problems": WORD_PROBLEMS,
    "word_problems_choice": WORD_PROBLEMS_CHOICE,
    "word_problems_program": WORD_PROBLEMS_PROGRAM,
}


def get_task(name: str) -> Task:
    """The task of that name; `NotFoundError` lists the names that exist."""
    if name not in TASKS:
        raise NotFoundError(
            f"There is no task named '{name}'", "", f"Choose from {', '.join(TASKS)}"
        )
    return TASKS[name]

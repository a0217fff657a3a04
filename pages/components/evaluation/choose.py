"""What to compare: runs and checkpoints, how many prompts and samples, and on which second task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from rft_core.evaluation.held_out import HELD_OUT_PROMPTS, MOST_PROMPTS
from rft_core.evaluation.reranking import list_rerankers
from rft_core.paths import get_runs_dir
from rft_core.store.adapters import list_adapters
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow, list_runs
from rft_core.tasks import TASKS

CHOSEN = "evaluate_runs"
MOST_SAMPLES = 64
NONE = ""
DRAWN = [name for name, task in TASKS.items() if task.make_rows]  # tasks that bring rows


@dataclass(frozen=True)
class Asked:
    """`contenders` as the command line writes them: RUN or RUN@STEP. NONE: not chosen."""

    contenders: tuple[str, ...]
    task: str
    num_prompts: int
    k: int
    rerank: str
    regression: str


def list_contenders() -> tuple[dict[str, RunRow], list[str]]:
    """The runs by id, and what can be evaluated of them: the newest adapter, then checkpoints."""
    folder = get_runs_dir()
    with open_index(folder) as index:
        runs = {run.id: run for run in list_runs(index)}
    found = []
    for run in runs:
        newest, *older = list_adapters(folder, run) or [None]
        if newest:
            found += [run, *(f"{run}@{one.step}" for one in older if one.step is not None)]
    return runs, found


def choose(runs: Mapping[str, RunRow], contenders: Sequence[str]) -> tuple[Asked, bool]:
    """Draw the form; what it holds, and whether Evaluate was just pressed."""
    chosen = st.multiselect(
        "Runs and checkpoints, compared with the base", contenders,
        default=_wanted(contenders), key=CHOSEN, persist_state="session",
        format_func=lambda name: contender_label(name, runs),
    )  # fmt: skip
    task_place, prompts, samples, scorer, second, start = st.columns(
        [3, 2, 2, 3, 3, 2], vertical_alignment="bottom"
    )
    task = task_place.selectbox(
        "Task", [NONE, *DRAWN], format_func=lambda name: _task_title(name, "the runs' own"),
        help="Runs that were trained on different tasks are compared on one that you name.",
    )  # fmt: skip
    num_prompts = prompts.number_input(
        "Prompts", 10, MOST_PROMPTS, HELD_OUT_PROMPTS, step=10,
        help="More prompts, narrower intervals: four times as many halve them.",
    )  # fmt: skip
    k = samples.number_input(
        "Samples each (k)", 1, MOST_SAMPLES, 4,
        help="pass@k, the majority vote and the best of k come of k samples of every prompt.",
    )  # fmt: skip
    scorers = [NONE, *list_rerankers(list(runs.values()))]
    rerank = scorer.selectbox(
        "Best of k by", scorers, format_func=lambda name: _scorer_label(name, runs),
        help="A run of the method reward_model scores the k answers; length is what it must beat.",
    )  # fmt: skip
    own = {task} if task else {runs[name.partition("@")[0]].config.task for name in chosen}
    regression = second.selectbox(
        "Regression task", [NONE, *(name for name in DRAWN if name not in own)],
        format_func=lambda name: _task_title(name, "none"),
        help="What was forgotten: the same models on another task. A loss there is what it cost.",
    )  # fmt: skip
    pressed = start.button(
        "Evaluate", type="primary", disabled=not chosen, icon=":material/play_arrow:",
        width="stretch",
    )  # fmt: skip
    return Asked(tuple(chosen), task, int(num_prompts), int(k), rerank, regression), pressed


def contender_label(name: str, runs: Mapping[str, RunRow]) -> str:
    """`Countdown demo · 0912-a3f1 · step 40`; the name as it is, where the run is gone."""
    run_id, at, step = name.partition("@")
    if run_id not in runs:
        return name
    run = runs[run_id]
    step_text = f" · step {step}" if at else ""
    return f"{run.name or run.config.task} · {run.id[-9:]}{step_text}"


def _task_title(name: str, instead: str) -> str:
    return TASKS[name].title if name else instead


def _scorer_label(name: str, runs: Mapping[str, RunRow]) -> str:
    if not name:
        return "nothing"
    return contender_label(name, runs) if name in runs else f"length: the {name}"


def _wanted(contenders: Sequence[str]) -> list[str]:
    """Those that the address names, `?run=` once for each; else the newest."""
    wanted = [name for name in st.query_params.get_all("run") if name in contenders]
    return wanted or list(contenders)[:1]

"""What a dry run scores: completions sampled from a model, or pasted ones.

Sampled completions are kept for the session, so that an edited reward is tried on the same ones.
"""

import json
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.components.config_form import draft_values, field_bounds
from pages.components.page_header import shown_errors
from pages.components.suited_settings import suited_settings
from pages.components.workflow import progress_into, remembered
from rft_core.config import RunConfig, extra_of, make_config
from rft_core.data import PromptSet
from rft_core.dry_run import choose_rows, sample_groups
from rft_core.embedded import EMBEDDED_MODELS
from rft_core.paths import get_runs_dir
from rft_core.sampling.service.messages import LoadProgress
from rft_core.store.index import open_index
from rft_core.store.sets import get_set, list_sets
from rft_core.tasks import CUSTOM_TASK, TASKS, get_task
from rft_core.types import Completion, Messages, Row

SAMPLED, PASTED = "Sample from a model", "Paste completions"
KEPT, TURN, WANTED = "dry_run_samples", "dry_run_turn", "dry_run_wanted"
CHOICE, LAST_CHOICE = "dry_run_prompts", "dry_run_prompts_last"
MODEL, LENGTH, LAST_TASK = "dry_run_model", "dry_run_length", "dry_run_task_last"
HOW, COUNT, GROUP, TEMPERATURE = (
    "dry_run_how", "dry_run_count", "dry_run_group", "dry_run_temperature"
)  # fmt: skip
PASTED_TEXT, PASTED_BLOCKS = "dry_run_pasted", "dry_run_blocks"
# What a reload must not lose: where the widgets of the form have their values.
FORM_KEYS = (
    HOW, MODEL, LENGTH, LAST_TASK, COUNT, GROUP, TEMPERATURE, PASTED_TEXT, PASTED_BLOCKS
)  # fmt: skip
MOST_PROMPTS = 256
REWARD_TIMEOUT = 10.0  # seconds; less than in training, as somebody is waiting


@dataclass(frozen=True)
class PromptChoice:
    """A stored prompt set (`set_id`), or a built-in task's own prompts."""

    task: str
    set_id: str | None = None

    def load(self, count: int, *, seed: int | None = None) -> tuple[list[Row], list[Messages]]:
        """The first `count` training rows and their messages; with a seed, those it picks.

        Training takes them in a random order, and the first of a file may be the easiest.
        """
        if self.set_id is None:
            task = get_task(self.task)
            rows = task.load(count, 1, 0)[0] if task.make_rows else [task.example_row]
            return list(rows), [task.prompt(row) for row in rows]
        with open_index(get_runs_dir()) as index:
            stored = PromptSet.from_json(get_set(index, "prompts", self.set_id).content)
        rows = list(stored.train_rows)
        chosen = rows[:count] if seed is None else choose_rows(rows, count, seed)
        return list(chosen), list(stored.prompts(chosen))


@dataclass(frozen=True)
class Samples:
    """Groups of completions, one for each prompt. `inputs`: the settings that they came from."""

    inputs: object
    config: RunConfig
    rows: tuple[Row, ...]
    prompts: tuple[Messages, ...]
    groups: tuple[tuple[Completion, ...], ...]
    seconds: float | None = None  # that sampling took
    prompt_tail: str = ""  # how the model saw a prompt end; "" where none was asked


@dataclass(frozen=True)
class DryRunRequest:
    """What the form asks for. `pasted` None: sample."""

    prompts: PromptChoice
    config: RunConfig
    num_prompts: int
    pasted: tuple[str, ...] | None = None
    row: int = 0

    @property
    def inputs(self) -> object:
        if self.pasted is not None:
            return (self.prompts, self.row, self.pasted)
        return (self.prompts, self.config, self.num_prompts)


def wanted_prompts() -> PromptChoice:
    """What `?prompts=` names, else what was chosen last, else the first task's own prompts."""
    with shown_errors(), open_index(get_runs_dir()) as index:
        stored = {row["id"]: row["task"] for row in list_sets(index, "prompts")}
    wanted = st.query_params.get("prompts") or st.session_state.get(LAST_CHOICE)
    if wanted in stored:
        return PromptChoice(stored[wanted] or CUSTOM_TASK, wanted)
    return PromptChoice(str(wanted) if wanted in TASKS else next(iter(TASKS)))


def pick_prompts() -> PromptChoice:
    """A stored set or a task's own prompts; kept in the address as `?prompts=`."""
    with shown_errors(), open_index(get_runs_dir()) as index:
        stored = {row["id"]: row for row in list_sets(index, "prompts")}
    wanted = wanted_prompts()
    chosen = wanted.set_id or wanted.task
    st.session_state[CHOICE] = chosen

    def remember() -> None:
        st.query_params["prompts"] = st.session_state[CHOICE]

    st.selectbox(
        "Prompts", [*stored, *TASKS], key=CHOICE, on_change=remember,
        format_func=lambda id: (
            f"{stored[id]['name']} · {stored[id]['num_rows']:,} rows" if id in stored
            else f"{TASKS[id].title}: the task's own prompts"
        ),
    )  # fmt: skip
    st.session_state[LAST_CHOICE] = st.query_params["prompts"] = chosen
    return wanted


def dry_run_form() -> DryRunRequest:
    _begin_with_defaults()
    how = st.segmented_control(
        "Completions", [SAMPLED, PASTED], required=True, key=HOW,
        persist_state="session", label_visibility="collapsed",
    )  # fmt: skip
    left, right = st.columns(2)
    with left:
        prompts = pick_prompts()
    _suit_the_task(prompts.task)
    if how == PASTED:
        return _pasted(prompts)
    with right:
        model = st.selectbox(
            "Model", list(EMBEDDED_MODELS), key=MODEL, accept_new_options=True,
            persist_state="session",
            help="An embedded model, a Hugging Face hub id, or a local folder: type any.",
        )  # fmt: skip
    values: dict[str, Any] = {
        **_drafted_values(), "model": model, "seed": st.session_state.get(TURN, 0),
        "reward_timeout": REWARD_TIMEOUT,
    }  # fmt: skip
    places = st.columns(4)
    with places[0]:
        count = st.number_input(
            "Number of prompts", 1, MOST_PROMPTS, key=COUNT, persist_state="session"
        )
    with places[1]:
        values["num_generations"] = st.number_input(
            "Completions per prompt", *field_bounds("num_generations"), key=GROUP,
            persist_state="session",
            help="TRL's num_generations: the size of a group.",
        )  # fmt: skip
    with places[2]:
        values["temperature"] = st.number_input(
            "Temperature", *map(float, field_bounds("temperature")), step=0.05, key=TEMPERATURE,
            persist_state="session",
        )  # fmt: skip
    with places[3]:
        values["max_completion_length"] = st.number_input(
            "Longest completion, tokens", *field_bounds("max_completion_length"), key=LENGTH,
            persist_state="session",
        )  # fmt: skip
    with shown_errors():
        return DryRunRequest(prompts, make_config(values), int(count))


def _begin_with_defaults() -> None:
    """In the session, where a reload and other pages put theirs: a widget takes but one of both."""
    usual = RunConfig()
    first = {
        HOW: SAMPLED, COUNT: 8, GROUP: usual.num_generations, TEMPERATURE: usual.temperature,
    }  # fmt: skip
    for key, value in first.items():
        st.session_state.setdefault(key, value)


def _drafted_values() -> dict[str, Any]:
    """What the Train page holds of how a step samples, scores and weighs.

    Precision, engine, truncations and scaling are as the run will have them. What a dry run has of
    its own (prompts, rewards) or does not use (a run's name and schedule) is left out, so that
    editing it does not ask for new completions.
    """
    drafted = draft_values()
    if "scale_rewards" not in drafted:  # the draft's method samples nothing
        return {}
    return {
        name: value
        for name, value in drafted.items()
        if value not in (None, "")
        and extra_of(name)["group"] in ("Model", "Generation", "Policy update", "Schedule")
        and name not in ("method", "stages")
    }


def try_prompts(config: RunConfig, count: int) -> None:
    """A callback: the form asks for so many prompts, sampled as a run with these settings would.

    Which prompts is said by the address, as `pick_prompts` reads it.
    """
    st.session_state.update({
        HOW: SAMPLED, MODEL: config.model, LENGTH: config.max_completion_length,
        COUNT: min(count, MOST_PROMPTS), GROUP: config.num_generations,
        TEMPERATURE: config.temperature, LAST_TASK: _name_task(config),
    })  # fmt: skip


def _name_task(config: RunConfig) -> str:
    """As `wanted_prompts` will: a stored set's own task."""
    if config.prompt_set is None:
        return config.task
    with open_index(get_runs_dir()) as index:
        tasks = {row["id"]: row["task"] for row in list_sets(index, "prompts")}
    return str(tasks.get(config.prompt_set) or CUSTOM_TASK)


def choose_task_prompts(task: str) -> None:
    """The task's own prompts, in place of another task's own. A stored set stays chosen."""
    if wanted_prompts().set_id is None:
        st.query_params["prompts"] = task


def _suit_the_task(task: str) -> None:
    """Prompts of another task bring the embedded model that knows it, and its length."""
    st.session_state.setdefault(MODEL, next(iter(EMBEDDED_MODELS)))
    st.session_state.setdefault(LENGTH, RunConfig().max_completion_length)
    if st.session_state.get(LAST_TASK) != task:
        st.session_state[LAST_TASK] = task
        if suited := suited_settings(task, st.session_state[MODEL]):
            st.session_state[MODEL] = suited["model"]
            st.session_state[LENGTH] = suited["max_completion_length"]


def _pasted(prompts: PromptChoice) -> DryRunRequest:
    with shown_errors():
        rows, _ = remembered("dry_run_rows", prompts, lambda: prompts.load(MOST_PROMPTS))
    text_place, row_place = st.columns([3, 2], gap="medium")
    with row_place:
        row = st.number_input("For row", 1, len(rows), 1, key="dry_run_row")
        st.code(json.dumps(rows[int(row) - 1], ensure_ascii=False), language="json",
                wrap_lines=True)  # fmt: skip
        blocks = st.toggle(
            "Several lines each", key=PASTED_BLOCKS, persist_state="session",
            help="Completions are then separated by a line with --- and nothing else.",
        )  # fmt: skip
    with text_place:
        text = st.text_area(
            "Completions, separated by a line with ---" if blocks else "Completions, one per line",
            key=PASTED_TEXT, height=220, persist_state="session",
            placeholder="<think>9 + 74 = 83 ...</think> <answer>74 - 15 - 9</answer>",
        )  # fmt: skip
    pasted = split_pasted(text or "", blocks)
    config = RunConfig(reward_timeout=REWARD_TIMEOUT)
    return DryRunRequest(prompts, config, 1, pasted, int(row) - 1)


def split_pasted(text: str, blocks: bool) -> tuple[str, ...]:
    """The completions in a text: one per line, or blocks between lines of ---. Blank ones go."""
    lines = text.replace("\r\n", "\n").split("\n")
    if not blocks:
        return tuple(line.strip() for line in lines if line.strip())
    parts: list[list[str]] = [[]]
    for line in lines:
        if line.strip() == "---":
            parts.append([])
        else:
            parts[-1].append(line)
    return tuple(part for lines in parts if (part := "\n".join(lines).strip()))


def get_samples(request: DryRunRequest) -> Samples:
    """The kept completions where the settings are the same; else new ones, which can be cancelled.

    Raises RftError. A click on anything reruns the page, which ends the sampling.
    """
    kept = st.session_state.get(KEPT)
    if kept is not None and kept.inputs == request.inputs:
        return kept
    if request.pasted is not None:
        rows, prompts = request.prompts.load(MOST_PROMPTS)
        group = tuple(Completion(text, (), False, 0.0) for text in request.pasted)
        samples = Samples(
            request.inputs, request.config, (rows[request.row],), (prompts[request.row],), (group,)
        )
    else:
        samples = _sample(request)
    st.session_state[KEPT] = samples
    return samples


def has_samples(request: DryRunRequest) -> bool:
    kept = st.session_state.get(KEPT)
    return kept is not None and kept.inputs == request.inputs


def sample_anew() -> None:
    """A callback: another seed, so other completions, in a dry run that is wanted now."""
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
    st.session_state[WANTED] = True


def was_wanted_anew() -> bool:
    """True once after `sample_anew`."""
    return bool(st.session_state.pop(WANTED, False))


def _sample(request: DryRunRequest) -> Samples:
    config = request.config
    place, cancel = st.empty(), st.empty()
    show = progress_into(place)
    show(LoadProgress("Waking the model", None))
    cancel.button("Cancel", key="dry_run_cancel", icon=":material/stop:")
    rows, prompts = request.prompts.load(request.num_prompts, seed=0)
    sampling = sample_groups(get_runs_dir(), config, prompts, on_progress=show)
    place.empty()
    cancel.empty()
    return Samples(
        request.inputs, config, tuple(rows), tuple(prompts), sampling.groups, sampling.seconds,
        sampling.prompt_tail,
    )  # fmt: skip

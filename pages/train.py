"""Train: choose what to train on, the model and the settings; check; launch."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.components.config_form import (
    draft_values,
    follow_method,
    follow_task,
    group_fields,
    set_draft,
)
from pages.components.page_header import page_header, plain, show_error, shown_errors
from pages.components.stage_editor import stage_editor
from rft_core.config import (
    METHODS,
    PRESETS,
    RunConfig,
    extra_of,
    get_method,
    make_config,
    to_yaml,
)
from rft_core.diagnosis.ways_out import launch_command
from rft_core.embedded import EMBEDDED_MODELS
from rft_core.errors import RftError
from rft_core.jobs.checks import list_judge_calls, list_problems, list_warnings, settle_length
from rft_core.jobs.judge_calls import JudgeCalls
from rft_core.jobs.launcher import launch, new_command_id, prepare_launch
from rft_core.paths import get_runs_dir
from rft_core.planning import Plan, estimate
from rft_core.store.index import open_index
from rft_core.store.sets import list_sets
from rft_core.tasks import CUSTOM_TASK, TASKS

CHOSEN = ("task", "prompt_set", "reward_set")
PICKED_ELSEWHERE = ("model", "method", "stages", "name", "pair_set", "preflight", *CHOSEN)


def main() -> None:
    page_header("Train", "A LoRA adapter, in a background process. Settings keep TRL's names.")
    prepare_launch(get_runs_dir())
    presets()
    what_to_train_on()
    methods, is_staged = how_to_train()
    settings(methods, is_staged)
    try:
        config = make_config(draft_values())
    except RftError as error:
        show_error(error)
        st.stop()
    st.subheader("Check and launch", anchor=False)
    checks, plan = st.columns(2, gap="large")
    with checks:
        is_ready = show_problems(config)
        launch_button(config, is_ready)
    with plan, shown_errors():
        in_steps, length = settle_length(get_runs_dir(), config)
        show_plan(estimate(in_steps, get_runs_dir()), length)
        show_judge_calls(list_judge_calls(get_runs_dir(), in_steps))
    same_from_the_command_line(config)


def presets() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Start from a preset**")
        for name, values in PRESETS.items():
            st.button(name, key=f"preset-{name}", on_click=use_preset, args=(values,))


def use_preset(values: Mapping[str, Any]) -> None:
    """A callback. A demo, which has a name, brings its task; other presets keep what was chosen."""
    draft = draft_values()
    set_draft(values if "name" in values else {name: draft[name] for name in CHOSEN} | {**values})


def what_to_train_on() -> None:
    """Task, prompts, rewards and model: the four choices that are not numbers."""
    runs_dir = get_runs_dir()
    with shown_errors(), open_index(runs_dir) as index:
        prompt_sets = {row["id"]: row for row in list_sets(index, "prompts")}
        reward_sets = {row["id"]: row for row in list_sets(index, "rewards")}
    draft = draft_values()
    for field in ("task", "prompt_set", "reward_set", "model", "name"):
        st.session_state.setdefault(f"config.{field}", draft[field] or "")
    own = "none chosen" if st.session_state["config.task"] == CUSTOM_TASK else "the task's own"
    titles = list_rewards(st.session_state["config.task"], reward_sets)
    task, prompts, rewards = st.columns(3)
    with task:
        st.selectbox(
            "task", [*TASKS, CUSTOM_TASK], key="config.task", persist_state="session",
            on_change=follow_task,
            format_func=lambda name: TASKS[name].title if name in TASKS else "Custom",
            help="A built-in task brings prompts, template and rewards.",
        )  # fmt: skip
    with prompts:
        st.selectbox(
            "prompt_set", ["", *prompt_sets], key="config.prompt_set", persist_state="session",
            format_func=lambda id: (
                f"{prompt_sets[id]['name']} · {prompt_sets[id]['num_rows']} rows"
                if id else own
            ),
            help="Prompt sets are made on the Prompts page.",
        )  # fmt: skip
    with rewards:
        st.selectbox(
            "reward_set", ["", *titles], key="config.reward_set", persist_state="session",
            format_func=lambda id: titles.get(id, own),
            help="Others of the task's rewards, or a set that was made on the Rewards page; a run "
            "pins the version chosen here.",
        )  # fmt: skip
    model, name = st.columns([2, 1])
    with model:
        st.selectbox(
            "model", list(EMBEDDED_MODELS), key="config.model", persist_state="session",
            accept_new_options=True,
            help="An embedded model, a Hugging Face hub id, or a local folder: type any.",
        )  # fmt: skip
    with name:
        st.text_input(
            "name", key="config.name", persist_state="session", placeholder="made from the task"
        )


def list_rewards(task: str, stored: Mapping[str, Any]) -> dict[str, str]:
    """What `reward_set` may hold -> its title: others of the task's by name, stored sets by id."""
    others = TASKS[task].other_rewards if task in TASKS else {}
    titles = {name: f"{name}: {other.about}" for name, other in others.items()}
    return titles | {id: f"{row['name']} v{row['version']}" for id, row in stored.items()}


def how_to_train() -> tuple[list[str], bool]:
    """One method, or stages of them. Returns the methods whose settings to show; is it stages?"""
    draft = draft_values()
    st.session_state.setdefault("config.method", draft.get("method", RunConfig().method))
    method, stages = st.columns([1, 2])
    with stages:
        staged = stage_editor()
    with method:
        chosen = st.selectbox(
            "method", list(METHODS), key="config.method", persist_state="session",
            on_change=follow_method,
            format_func=lambda name: METHODS[name].title, disabled=bool(staged),
            help="  \n".join(f"**{m.title}**: {m.summary}" for m in METHODS.values()),
        )  # fmt: skip
        st.caption("Each stage names its own method." if staged else METHODS[chosen].summary)
    methods = staged or [chosen]
    if any("pairs" in get_method(name).needs for name in methods):
        choose_pairs()
    return methods, bool(staged)


def choose_pairs() -> None:
    """Which answers are preferred to which: only methods that learn from pairs ask for it."""
    with shown_errors(), open_index(get_runs_dir()) as index:
        pair_sets = {row["id"]: row for row in list_sets(index, "pairs")}
    st.session_state.setdefault("config.pair_set", draft_values().get("pair_set") or "")
    st.selectbox(
        "pair_set", ["", *pair_sets], key="config.pair_set", persist_state="session",
        format_func=lambda id: (
            f"{pair_sets[id]['name']} · {pair_sets[id]['num_rows']} pairs" if id else "none chosen"
        ),
        help="Pairs come from votes in Chat, from files, and from the groups of a run: "
        "`python -m rft_core pairs from-run RUN`.",
    )  # fmt: skip


def settings(methods: list[str], is_staged: bool) -> None:
    """All other fields. The steps of a run in stages, be it one, are those of its stages; a stored
    set has as many prompts as it has.
    """
    groups = dict.fromkeys(extra_of(name)["group"] for name in RunConfig.model_fields)
    skip = (*PICKED_ELSEWHERE, "max_steps", "num_train_epochs") if is_staged else PICKED_ELSEWHERE
    if st.session_state["config.prompt_set"]:
        skip = (*skip, "num_prompts")
    for tab, group in zip(st.tabs(list(groups)), groups, strict=True):
        with tab:
            group_fields(group, methods, skip=skip)


def show_problems(config: RunConfig) -> bool:
    """What would stop this run or spoil it, found before anything loads. True: nothing stops it."""
    with shown_errors():
        problems = list_problems(get_runs_dir(), config)
        warnings = list_warnings(get_runs_dir(), config)
    for problem in (*problems, *warnings):
        st.warning(f"**{plain(problem.where)}** — {plain(problem.what)}  \n{plain(problem.fix)}")
    if not problems:
        config, _ = settle_length(get_runs_dir(), config)
        parts = [_describe_stage(plan.config) for plan in config.plan_stages()]
        st.success(f"Ready: {', then '.join(parts)}.", icon=":material/check_circle:")
    return not problems


def _describe_stage(config: RunConfig) -> str:
    batch, group = config.generation_batch_size, config.num_generations
    what, method = f"{batch} examples", get_method(config.method)
    if method.family == "pairs":
        what = f"{batch} judgements with all their pairs"
    if method.samples_first:
        what += f", after {group} completions of each prompt"
    if method.samples_each_step:
        what = f"{batch} completions ({batch // group} prompts × {group})"
    return f"{config.max_steps} steps of {what}"


def launch_button(config: RunConfig, is_ready: bool) -> None:
    """One draft, one command id: a double click is one run."""
    command_id = st.session_state.setdefault("launch_command", new_command_id())
    with st.container(horizontal=True, vertical_alignment="center"):
        clicked = st.button(
            "Launch", type="primary", icon=":material/rocket_launch:", disabled=not is_ready
        )
        preflight_choice(config)
    if clicked:
        with shown_errors():
            run = launch(get_runs_dir(), config, command_id=command_id)
        st.session_state["launch_command"] = new_command_id()
        st.switch_page("monitor.py", query_params={"run": run})


def preflight_choice(config: RunConfig) -> None:
    """Only where the first stage learns from rewards: other runs have none."""
    first, *_ = config.plan_stages()
    if get_method(first.config.method).family == "rollouts":
        st.session_state.setdefault("config.preflight", config.preflight)
        st.checkbox(
            "Preflight before step 1", key="config.preflight", persist_state="session",
            help="Samples and judges a few groups first: a verdict on Monitor within one step.",
        )  # fmt: skip


def show_plan(plan: Plan, length: str) -> None:
    """`length`: how epochs were counted into steps; empty where none were."""
    with st.container(border=True):
        if length:
            st.caption(f"{length}.")
        memory, time, disk = st.columns(3)
        memory.metric("Memory", plan.memory_text)
        time.metric("Time", plan.time_text)
        disk.metric("Disk", plan.disk_text)
        st.caption(plan.basis)


def show_judge_calls(judges: Sequence[JudgeCalls]) -> None:
    """What the run will ask of others, before it does."""
    for judge in judges:
        st.info(plain(str(judge)), icon=":material/gavel:")


def same_from_the_command_line(config: RunConfig) -> None:
    with st.expander("The same from the command line", icon=":material/terminal:"):
        st.code(launch_command(config), language="bash", wrap_lines=True)
        st.download_button(
            "Download as YAML", to_yaml(config), "config.yaml", icon=":material/download:"
        )


main()

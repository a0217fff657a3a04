"""Who answers: the base or any checkpoint of any run, up to four side by side.

The run that is picked brings prompts and rewards; lanes may come from other runs, and stand on
other base models. The generation service holds one base at a time, and is asked for one after the
other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.components.page_header import shown_errors
from rft_core.config import RunConfig
from rft_core.errors import RftError
from rft_core.paths import get_runs_dir
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.settings import find_obstacle, run_settings
from rft_core.store.adapters import list_adapters
from rft_core.store.index import open_index
from rft_core.store.preferences import MOST_ANSWERS
from rft_core.store.runs import RunRow, list_runs

MOST_RUNS = 30  # of which checkpoints are listed, the newest first


@dataclass(frozen=True)
class ChatLane:
    """`config`: of the run whose precision and engine it answers in. `adapter` None: the base."""

    key: str
    label: str
    config: RunConfig
    run: str | None = None
    step: int | None = None
    adapter: Path | None = None


def pick_lanes(run: RunRow) -> list[ChatLane]:
    """The base and the newest checkpoint until somebody says otherwise."""
    with shown_errors():
        lanes = {lane.key: lane for lane in list_lanes(run)}
    own = [lane.key for lane in lanes.values() if lane.run in (None, run.id)]
    if all(lane.run != run.id for lane in lanes.values()):
        st.info("No checkpoint yet: only the base can answer.", icon=":material/hourglass_empty:")
    chosen = st.multiselect(
        "Lanes", list(lanes), default=own[:2], key=f"lanes-{run.id}",
        max_selections=MOST_ANSWERS, format_func=lambda key: lanes[key].label,
        help="Runs and checkpoints that answer side by side: of this run, or of any other.",
    )  # fmt: skip
    return [lanes[key] for key in chosen]


def list_lanes(run: RunRow) -> list[ChatLane]:
    """This run's base and checkpoints, then those of other runs. Every label is another one."""
    runs_dir = get_runs_dir()
    with open_index(runs_dir) as index:
        others = [other for other in list_runs(index) if other.id != run.id]
    lanes = [ChatLane(f"base {run.config.model}", "base", run.config), *_list_tuned(run)]
    bases = {run.config.model}
    for other in others[:MOST_RUNS]:
        name = f"{other.name or other.config.task} · {other.id[-4:]}"
        lanes += _list_tuned(other, f"{name} · ")
        if other.config.model not in bases:
            bases.add(other.config.model)
            label = f"base · {other.config.model.rsplit('/', 1)[-1]}"
            lanes.append(ChatLane(f"base {other.config.model}", label, other.config))
    return lanes


def _list_tuned(run: RunRow, prefix: str = "") -> Iterator[ChatLane]:
    for adapter in list_adapters(get_runs_dir(), run.id):
        step = "finished" if adapter.step is None else adapter.step
        yield ChatLane(
            f"{run.id}@{step}", prefix + adapter.label, run.config, run.id, adapter.step,
            adapter.path,
        )  # fmt: skip


def group_by_base(lanes: Sequence[ChatLane]) -> list[list[int]]:
    """Places of the lanes that the service can answer at once: those of one base and engine."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for at, lane in enumerate(lanes):
        config = lane.config
        key = (config.model, config.dtype, config.engine, config.vllm_max_model_length)
        groups.setdefault(key, []).append(at)
    return list(groups.values())


def make_client(config: RunConfig) -> GenerationClient:
    """In the run's own precision and, where it can work here, by its own engine."""
    settings = run_settings(config)
    if obstacle := find_obstacle(config.engine):
        st.caption(f"{obstacle}: {settings.engine} answers in place of {config.engine}.")
    return GenerationClient(get_runs_dir(), settings)


def explain_lane(error: RftError, lane: ChatLane) -> RftError:
    """The same error, which says whose it is: other lanes stand on other bases."""
    return type(error)(f"{lane.label}: {error.what}", error.why, error.fix)

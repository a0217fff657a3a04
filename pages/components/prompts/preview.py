"""The exact string a model will see for a row, its tokens, and how long the prompts are.

The generation service renders it, so the chat template and the tokens are those of training.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components.page_header import show_error
from pages.components.suited_settings import suited_settings
from pages.components.workflow import progress_into, remembered
from rft_core.config import make_config
from rft_core.data import PromptSet, length_summary, lint_lengths, lint_prompt_tail
from rft_core.embedded import EMBEDDED_MODELS
from rft_core.errors import RftError
from rft_core.model_files import find_local_folder, model_summary
from rft_core.paths import get_runs_dir
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.messages import RenderedPrompt
from rft_core.types import Problem

MODEL, LAST_TASK = "preview_model", "preview_task_last"
TOLD = "config.chat_template_kwargs"  # the widget of the Train form: one value on both pages
SAMPLED_ROWS = 128
BARS = 24
_STYLE = Path(__file__).resolve().parents[1] / "frontend" / "prompt_preview.css"


@dataclass(frozen=True)
class Rendered:
    """One row's prompt, and the lengths in tokens of a sample of rows (their indices beside)."""

    prompt: RenderedPrompt
    rows: tuple[int, ...]
    lengths: tuple[int, ...]
    limit: int | None  # the model's context, where known

    def findings(self) -> list[Problem]:
        """What only the tokenizer can know; rows count from 1."""
        found = lint_prompt_tail(self.prompt.text)
        if self.limit is None:
            return found
        too_long = lint_lengths(self.lengths, self.limit)
        return found + [replace(f, row=self.rows[f.row - 1] + 1) for f in too_long if f.row]


def show_preview(prompt_set: PromptSet, key: str) -> Rendered | None:
    """Controls, then the string beside the lengths. None: it could not be rendered (and why)."""
    st.html(_STYLE)
    _suit_the_task(prompt_set.task or "")
    model_place, told_place, row_place, tokens_place = st.columns(
        [3, 2, 1, 1], vertical_alignment="bottom"
    )
    with model_place:
        model = st.selectbox(
            "Model", list(EMBEDDED_MODELS), key=MODEL, accept_new_options=True,
            persist_state="session",
            help="An embedded model, a Hugging Face hub id, or a local folder: type any.",
        )  # fmt: skip
    with told_place:
        told = st.text_input(
            "chat_template_kwargs", key=TOLD, persist_state="session",
            placeholder="enable_thinking=false",
            help="What the chat template is told besides the messages. A run launched from Train "
            "tells it the same.",
        )  # fmt: skip
    with row_place:
        row = st.number_input("Row", 1, len(prompt_set.rows), 1, key=f"{key}-row")
    with tokens_place:
        tokens = st.toggle("Show tokens", key="preview_tokens", persist_state="session")
    waiting = st.empty()
    try:
        options = make_config({"chat_template_kwargs": told}).chat_template_kwargs
        rendered = _render(str(model), prompt_set, int(row) - 1, options, waiting)
    except RftError as error:
        waiting.empty()
        show_error(error)
        return None
    if rendered is not None:
        text, lengths = st.columns([3, 2], gap="medium")
        with text:
            _show_text(rendered.prompt, tokens)
        with lengths:
            _show_lengths(rendered, len(prompt_set.rows))
    return rendered


def _suit_the_task(task: str) -> None:
    """Prompts of another task are first shown as the embedded model that knows it sees them."""
    st.session_state.setdefault(MODEL, next(iter(EMBEDDED_MODELS)))
    if st.session_state.get(LAST_TASK) != task:
        st.session_state[LAST_TASK] = task
        st.session_state[MODEL] = suited_settings(task, st.session_state[MODEL]).get(
            "model", st.session_state[MODEL]
        )


def _render(
    model: str, prompt_set: PromptSet, row: int, told: dict[str, Any], waiting: DeltaGenerator
) -> Rendered | None:
    """Asks the service, unless it has answered this before. None: the user has to agree first."""
    inputs = (model, prompt_set.id, row, told)
    known = st.session_state.get("preview")
    if (known is None or known[0] != inputs) and find_local_folder(model) is None:
        agreed = st.button("Download the tokenizer and show", icon=":material/cloud_download:")
        if not agreed:
            st.caption("This model is not on this machine; its tokenizer alone is a few MB.")
            return None

    def ask() -> Rendered:
        rows = sample_rows(len(prompt_set.rows))
        messages = prompt_set.prompts([prompt_set.rows[index] for index in (row, *rows)])
        client = GenerationClient(get_runs_dir())
        first, *others = client.render(
            model, messages, on_progress=progress_into(waiting), chat_template_kwargs=told
        )
        summary = model_summary(model)
        limit = summary.context_length if summary else None
        return Rendered(first, rows, tuple(len(other.token_ids) for other in others), limit)

    rendered = remembered("preview", inputs, ask)
    waiting.empty()
    return rendered


def sample_rows(count: int, most: int = SAMPLED_ROWS) -> tuple[int, ...]:
    """Up to `most` indices, evenly spread: the same ones every time."""
    return tuple(range(count)) if count <= most else tuple(i * count // most for i in range(most))


def _show_text(prompt: RenderedPrompt, tokens: bool) -> None:
    st.caption(f"The exact string, chat template included · {len(prompt.token_ids):,} tokens")
    if tokens:
        st.html(tokens_html(prompt.pieces))
    else:
        st.code(prompt.text, language=None, wrap_lines=True, height="content")


def tokens_html(pieces: Sequence[str]) -> str:
    """Each token in a box; a line break is shown and kept. Everything in it is escaped."""
    spans = (f"<span>{escape(piece).replace(chr(10), '↵' + chr(10))}</span>" for piece in pieces)
    return f'<div class="prompt-tokens">{"".join(spans)}</div>'


def _show_lengths(rendered: Rendered, total: int) -> None:
    lengths = rendered.lengths
    of_all = "all rows" if len(lengths) == total else f"{len(lengths)} of {total:,} rows"
    st.caption(f"Prompt length in tokens · {of_all}")
    summary = length_summary(lengths)
    with st.container(horizontal=True):
        for name, label in (("min", "Shortest"), ("median", "Median"), ("max", "Longest")):
            st.metric(label, f"{summary[name]:,.0f}")
    st.bar_chart(length_histogram(lengths), x="tokens", y="prompts", height=170,
                 alt="How many prompts have which length in tokens")  # fmt: skip
    if rendered.limit:
        st.caption(f"The model's context holds {rendered.limit:,} tokens, completion included.")


def length_histogram(lengths: Sequence[int]) -> pd.DataFrame:
    """At most BARS bars of equal width; each is named by its first length."""
    low, high = min(lengths), max(lengths)
    width = max(1, -(-(high - low + 1) // BARS))
    counts = dict.fromkeys(range(low, high + 1, width), 0)
    for length in lengths:
        counts[low + (length - low) // width * width] += 1
    return pd.DataFrame({"tokens": list(counts), "prompts": list(counts.values())})

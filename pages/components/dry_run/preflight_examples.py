"""What a run's preflight wrote, on a page: the best and the worst of it, each with its scores."""

from collections.abc import Sequence

import streamlit as st

from pages.components.completions.completion_html import completion_card, prompt_html
from pages.components.completions.view import generation_style
from rft_core.diagnosis.preflight.examples import BestAndWorst, TriedCompletion
from rft_core.store.generations import StoredGeneration


def show_examples(examples: BestAndWorst) -> None:
    generation_style()
    st.caption("Of what was tried before step 1. It is stored here alone: nothing was trained on.")
    st.html(examples_html("Best", examples.best))
    if examples.worst:
        st.html(examples_html("Worst", examples.worst))


def examples_html(title: str, examples: Sequence[TriedCompletion]) -> str:
    """Each below its prompt, which is said once where several answer the same."""
    pieces, asked = list[str](), ""
    for number, example in enumerate(examples, start=1):
        if example.request != asked or number == 1:
            pieces.append(prompt_html(example.request, short=True))
        asked = example.request
        named = title if len(examples) == 1 else f"{title} {number}"
        pieces.append(completion_card(_as_generation(example), title=named, reasons=True))
    return "".join(pieces)


def _as_generation(example: TriedCompletion) -> StoredGeneration:
    """In the shape that shows itself; it has no place in the run's steps."""
    return StoredGeneration(
        id=0, step=0, split="", group_index=0, sample_index=0, prompt_id=0,
        completion=example.completion, num_tokens=example.num_tokens, truncated=example.truncated,
        reward=example.reward, advantage=None, flags=example.flags, scores=dict(example.scores),
        reasons=dict(example.reasons),
    )  # fmt: skip

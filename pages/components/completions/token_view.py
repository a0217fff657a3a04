"""A stored completion token by token, on demand: how likely, how open, how changed."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.components.page_header import plain, shown_errors
from pages.components.untrusted_text import safe_html
from pages.components.workflow import progress_into, remembered
from rft_core.paths import get_runs_dir
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.messages import TokensRead
from rft_core.sampling.settings import run_settings
from rft_core.store.adapters import StoredAdapter, list_adapters
from rft_core.store.generations import StoredGeneration, StoredPrompt
from rft_core.store.runs import RunRow

BASE = "the base"
FULL_COLOR = 0.75  # opacity
UNLIKELY, OPEN, CHANGED = 4.0, 2.0, 2.0  # nats at which a colour is full


@dataclass(frozen=True)
class TokenShade:
    """A way to colour tokens. `red` where the value lies above zero, else blue."""

    help: str
    values: tuple[float, ...]
    full: float


def show_tokens(run: RunRow, generation: StoredGeneration, prompt: StoredPrompt) -> None:
    """Asks the generation service, which loads the model at the first time."""
    choice = choose_adapter(list_adapters(get_runs_dir(), run.id), generation.step)
    label = choice.label if choice else BASE
    place = (run.id, generation.id, label)
    known = st.session_state.get("tokens_read")
    if known is None or known[0] != place:
        asked = st.button(f"Read it with {label}", icon=":material/token:", key="read-tokens")
        st.caption(
            "Reads the completion once more, with the checkpoint before its step and with the base."
        )
        if not asked:
            return
    waiting = st.empty()
    with shown_errors():
        client = GenerationClient(get_runs_dir(), run_settings(run.config))
        read: TokensRead = remembered(
            "tokens_read", place,
            lambda: client.read_tokens(
                run.config.model, prompt.text, generation.completion,
                adapter=choice.path if choice else None, on_progress=progress_into(waiting),
            ),
        )  # fmt: skip
        waiting.empty()
        _draw(read, label, generation)


def choose_adapter(adapters: Sequence[StoredAdapter], step: int) -> StoredAdapter | None:
    """The newest checkpoint from before this step was trained on; None: the base itself."""
    before = [one for one in adapters if one.step is not None and one.step < max(step, 1)]
    return max(before, key=lambda one: one.step or 0, default=None)


def list_shades(read: TokensRead) -> dict[str, TokenShade]:
    ratios = tuple(own - base for own, base in zip(read.logprobs, read.base_logprobs, strict=True))
    surprise = tuple(-logprob for logprob in read.logprobs)
    return {
        "Unlikely": TokenShade(
            "Red: the model gave this token little probability.", surprise, UNLIKELY
        ),
        "Open": TokenShade(
            "Red: many tokens were possible here (entropy).", read.entropies, OPEN
        ),
        "Changed": TokenShade(
            "Red: likelier than for the base; blue: less likely.", ratios, CHANGED
        ),
    }  # fmt: skip


def _draw(read: TokensRead, label: str, generation: StoredGeneration) -> None:
    shades = list_shades(read)
    chosen = st.segmented_control(
        "Colour by", list(shades), default="Unlikely", required=True, key="token_shade"
    )
    shade = shades[chosen]
    st.html(tokens_html(read, shade))
    total = sum(read.logprobs)
    changed = total - sum(read.base_logprobs)
    st.caption(
        f"{shade.help} Read with {plain(label)}: log-probability {total:.1f} nats, "
        f"{changed:+.1f} against the base, mean entropy "
        f"{sum(read.entropies) / max(1, len(read.entropies)):.2f}."
        + _say_if_other_tokens(len(read.pieces), generation)
    )


def _say_if_other_tokens(count: int, generation: StoredGeneration) -> str:
    """The text is stored, not its tokens; the end token is none of the text."""
    if generation.num_tokens - count in (0, 1):
        return ""
    return (
        f" The text makes {count} tokens, and {generation.num_tokens} were sampled: it was spelt "
        "in another way then."
    )


def tokens_html(read: TokensRead, shade: TokenShade) -> str:
    """Each token in a box with its numbers on hover. Everything in it is escaped."""
    spans = []
    for at, piece in enumerate(read.pieces):
        share = min(abs(shade.values[at]) / shade.full, 1.0) * FULL_COLOR
        color = "217, 72, 95" if shade.values[at] >= 0 else "47, 111, 222"
        ratio = read.logprobs[at] - read.base_logprobs[at]
        title = (
            f"log-probability {read.logprobs[at]:.3f} · entropy {read.entropies[at]:.3f} · "
            f"base {read.base_logprobs[at]:.3f} · log ratio {ratio:+.3f}"
        )
        text = safe_html(piece).replace("&#10;", "↵&#10;")
        spans.append(
            f'<span title="{title}" style="background: rgba({color}, {share:.2f})">{text}</span>'
        )
    return f'<div class="gen-tokens">{"".join(spans)}</div>'

"""Completions on a page: one card, the best and worst of a step, a group side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.completions.completion_html import completion_card, prompt_html
from rft_core.store.generations import StoredGeneration, StoredPrompt
from rft_core.types import Completion

_STYLE = Path(__file__).resolve().parents[1] / "frontend" / "generation_view.css"


def generation_style() -> None:
    """Once per page that shows completions."""
    st.html(_STYLE)


def show_completion(
    generation: StoredGeneration,
    *,
    title: str = "",
    reasons: bool = False,
    chosen: bool = False,
    unfolded: bool = False,
) -> None:
    st.html(
        completion_card(generation, title=title, reasons=reasons, chosen=chosen, unfolded=unfolded)
    )


def show_prompt(prompt: StoredPrompt, *, short: bool = False) -> None:
    """What the user asks in this prompt, without the system message and the chat template."""
    st.html(prompt_html(prompt_request(prompt), short=short))


def prompt_request(prompt: StoredPrompt) -> str:
    asked = [message["content"] for message in prompt.messages if message["role"] == "user"]
    return asked[-1] if asked else prompt.text


def in_reward_order(
    generations: Iterable[StoredGeneration], names: Iterable[str]
) -> list[StoredGeneration]:
    """The same, each with its scores in the order of the reward set."""
    place = {name: index for index, name in enumerate(names)}

    def ordered(generation: StoredGeneration) -> StoredGeneration:
        known = sorted(generation.scores, key=lambda name: place.get(name, len(place)))
        return replace(generation, scores={name: generation.scores[name] for name in known})

    return [ordered(generation) for generation in generations]


def pick_telling_group(generations: Sequence[StoredGeneration]) -> list[StoredGeneration]:
    """The group whose rewards differ most: the one from which the most is learned. Best first."""
    groups: dict[int, list[StoredGeneration]] = {}
    for generation in generations:
        groups.setdefault(generation.group_index, []).append(generation)
    if not groups:
        return []
    chosen = max(groups.values(), key=_spread)
    if len(chosen) == 1:  # one completion per prompt, as in validation: compare across prompts
        chosen = list(generations)
    return sorted(chosen, key=lambda g: g.reward if g.reward is not None else -1e9, reverse=True)


def _spread(group: Sequence[StoredGeneration]) -> float:
    rewards = [g.reward for g in group if g.reward is not None]
    return max(rewards) - min(rewards) if rewards else -1.0


def as_generation(completion: Completion, sample: Any = None, **where: int) -> StoredGeneration:
    """A completion that is not in any store, in the shape that shows itself."""
    return StoredGeneration(
        id=0, step=0, split="", group_index=where.get("group_index", 0),
        sample_index=where.get("sample_index", 0), prompt_id=0, completion=completion.text,
        num_tokens=len(completion.token_ids), truncated=completion.truncated,
        reward=sample.reward if sample else None, advantage=None,
        flags=sample.flags if sample else (), scores=dict(sample.scores) if sample else {},
        reasons=dict(sample.reasons) if sample else {},
        evidence=dict(sample.evidence) if sample else {},
    )  # fmt: skip

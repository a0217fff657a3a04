"""From messages to the exact string and tokens that the model sees: the one place that decides it.

The prompts page, chat, the dry run and training all render through `render_prompt`, within limits.
Chat templates are applied as TRL's GRPOTrainer applies them (`add_generation_prompt=True`); a
tokenizer without one gets the messages' contents as plain text, separated by blank lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rft_core.errors import BadInputError
from rft_core.sampling.limited_chat import render_chat
from rft_core.sampling.service.messages import RenderedPrompt, plain_messages
from rft_core.types import Messages


def render_prompt(
    tokenizer: Any, messages: Messages, told: Mapping[str, Any] | None = None
) -> tuple[str, list[int]]:
    """The prompt as text and as token ids. `told`: what the template is told besides the messages.

    Raises BadInputError if the template refuses it.
    """
    plain = plain_messages(messages)
    if not tokenizer.chat_template:
        text = "\n\n".join(message["content"] for message in plain)
    else:
        text = render_text(tokenizer, plain, prompt=True, told=told)
    token_ids = encode_rendered(tokenizer, text)
    if not token_ids:
        raise BadInputError(
            "The prompt is empty", "It renders to no token at all", "Write a prompt"
        )
    return text, token_ids


def encode_rendered(tokenizer: Any, text: str) -> list[int]:
    """A rendered prompt's tokens; no second BOS where a template has written the special ones."""
    return list(tokenizer(text, add_special_tokens=not tokenizer.chat_template)["input_ids"])


def render_text(
    tokenizer: Any, messages: Messages, *, prompt: bool, told: Mapping[str, Any] | None = None
) -> str:
    """The conversation by the tokenizer's chat template. `prompt`: up to where the model writes.

    Raises BadInputError if the template refuses it, or asks for more than any prompt needs.
    """
    try:
        template = tokenizer.get_chat_template()
    except ValueError as error:  # several, and none that is meant
        raise BadInputError(
            "The model's chat template cannot be chosen",
            str(error)[:300],
            "Keep one of them in the tokenizer's files",
        ) from error
    return render_chat(
        template, messages, special_tokens=tokenizer.special_tokens_map, prompt=prompt,
        told=told or {},
    )  # fmt: skip


def describe_prompt(
    tokenizer: Any, messages: Messages, told: Mapping[str, Any] | None = None
) -> RenderedPrompt:
    """`render_prompt`, with each token decoded alone so that a page can show the boundaries."""
    text, token_ids = render_prompt(tokenizer, messages, told)
    pieces = tuple(tokenizer.decode([token]) for token in token_ids)
    return RenderedPrompt(text, tuple(token_ids), pieces)

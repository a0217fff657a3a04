"""An Ollama `Modelfile` for a merged folder: the model, its chat template and where it stops.

Ollama writes chat templates in Go's language, the model's own is Jinja. Nothing is translated: the
marks around each role are read off what the template writes, put together in Go, and kept only
where that gives, on several conversations, exactly what the template gives. Else the file says why
it has no TEMPLATE. Tools, images and the current date are not covered. Ollama itself is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from rft_core.errors import BadInputError
from rft_core.sampling.chat_template import render_text
from rft_core.types import Messages

QUOTES = '"""'
OF_ROLE = {"user": "the question", "assistant": "the answer", "system": "the system text"}


class CannotSayError(Exception):
    """Why the chat template cannot be said in a Modelfile."""


@dataclass(frozen=True)
class ChatMarks:
    """What stands around each message. `without_system`: what the template writes in the place of
    a system message where there is none; `system` None: it takes none.
    """

    start: str
    without_system: str
    system: tuple[str, str] | None
    user: tuple[str, str]
    assistant: tuple[str, str]
    prompt: str  # where the model begins to write

    def render(self, messages: Messages) -> str:
        """The conversation as Ollama would write it."""
        told = [m["content"] for m in messages if m["role"] == "system"]
        parts = [self.start]
        if self.system:
            parts.append(told[0].join(self.system) if told else self.without_system)
        for message in messages:
            if message["role"] in ("user", "assistant"):
                marks = self.user if message["role"] == "user" else self.assistant
                parts.append(message["content"].join(marks))
        return "".join([*parts, self.prompt])

    def to_go(self) -> str:
        """The same as Go's text/template, over Ollama's `.System` and `.Messages`."""
        for text in (self.start, self.without_system, *(self.system or ()), *self.user,
                     *self.assistant, self.prompt):  # fmt: skip
            if "{{" in text or QUOTES in text:
                raise CannotSayError("its marks hold quotes or braces that Go reads")
        parts = [self.start]
        if self.system:
            parts += ["{{ if .System }}", "{{ .System }}".join(self.system)]
            parts += ["{{ else }}", self.without_system] if self.without_system else []
            parts.append("{{ end }}")
        parts += [
            "{{ range .Messages }}",
            '{{ if eq .Role "user" }}', "{{ .Content }}".join(self.user),
            '{{ else if eq .Role "assistant" }}', "{{ .Content }}".join(self.assistant),
            "{{ end }}{{ end }}", self.prompt,
        ]  # fmt: skip
        return "".join(parts)


def write_modelfile(
    tokenizer: Any,
    ends: frozenset[int],
    told: Mapping[str, Any],
    *,
    system: str | None,
    stop_strings: Sequence[str] = (),
) -> str:
    """`system`: what every prompt of the run began with, if that was always the same."""
    lines = [
        "# For Ollama, in this folder: ollama create NAME -f Modelfile, then ollama run NAME",
        "# It must be able to convert this architecture: https://docs.ollama.com/import",
        "FROM .",
    ]
    try:
        lines.append(f"TEMPLATE {_quote(_say_template(tokenizer, told))}")
    except CannotSayError as why:
        lines += [
            f"# No TEMPLATE: Go cannot say exactly what the model's chat template does: {why}.",
            "# Ollama would guess one: compare its prompts with the model's before you trust it.",
        ]
    if system and QUOTES not in system:
        lines.append(f"SYSTEM {_quote(system)}")
    lines += [f"PARAMETER stop {_quote(text)}" for text in _list_stops(tokenizer, ends)]
    lines += [f"PARAMETER stop {_quote(text)}" for text in stop_strings if QUOTES not in text]
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    return f'"{text}"' if '"' not in text and "\n" not in text else f"{QUOTES}{text}{QUOTES}"


def _list_stops(tokenizer: Any, ends: frozenset[int]) -> list[str]:
    texts = [tokenizer.decode([token]) for token in sorted(ends)]
    return [text for text in dict.fromkeys(texts) if text.strip() and QUOTES not in text]


def _say_template(tokenizer: Any, told: Mapping[str, Any]) -> str:
    if not tokenizer.chat_template:
        return "{{ if .System }}{{ .System }}\n\n{{ end }}{{ .Prompt }}"  # as `render_prompt` does
    marks = read_marks(tokenizer, told)
    for messages in _conversations(has_system=marks.system is not None):
        if marks.render(messages) != _render(tokenizer, messages, told):
            raise CannotSayError("it does more than put marks around messages")
    return _drop_start(marks, tokenizer).to_go()


def read_marks(tokenizer: Any, told: Mapping[str, Any]) -> ChatMarks:
    """From conversations with and without a system message. Raises CannotSayError."""
    if "strftime_now" in str(tokenizer.chat_template):
        raise CannotSayError("it writes the current date")
    question, answer, system = (OF_ROLE[role] for role in ("user", "assistant", "system"))
    asked = [{"role": "user", "content": question}]
    answered = [*asked, {"role": "assistant", "content": answer}]
    closed = _render(tokenizer, asked, told, prompt=False)
    begins, after = _split(closed, question)
    prompt = _behind(_render(tokenizer, asked, told), closed)
    _, closes = _split(_render(tokenizer, answered, told, prompt=False), answer)
    middle = _behind(_render(tokenizer, [*answered, *asked], told), closed)
    opens_answer, rest = _split(middle, answer)
    opens_user, _ = _split(_behind(rest, closes), question)
    if not begins.endswith(opens_user):
        raise CannotSayError("it writes the first question unlike the next ones")
    first = begins.removesuffix(opens_user)
    user, said = (opens_user, after), (opens_answer, closes)
    try:
        told_first = _render(tokenizer, [{"role": "system", "content": system}, *asked], told)
    except CannotSayError:  # it takes no system message
        return ChatMarks(first, "", None, user, said, prompt)
    opens, behind = _split(told_first, system)
    both = zip(first, opens, strict=False)
    start = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], both))
    around = opens.removeprefix(start), behind.removesuffix(question.join(user) + prompt)
    return ChatMarks(start, first.removeprefix(start), around, user, said, prompt)


def _split(text: str, message: str) -> tuple[str, str]:
    """What stands before and behind the message, which must be there once."""
    before, *behind = text.split(message)
    if len(behind) != 1:
        raise CannotSayError("it repeats messages or leaves them out")
    return before, behind[0]


def _behind(text: str, start: str) -> str:
    if not text.startswith(start):
        raise CannotSayError("it writes a message differently where others follow")
    return text.removeprefix(start)


def _drop_start(marks: ChatMarks, tokenizer: Any) -> ChatMarks:
    """Without the token that Ollama, as the tokenizer itself, puts before every text."""
    bos = tokenizer.bos_token
    adds_it = bos and tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
    return replace(marks, start=marks.start.removeprefix(bos)) if adds_it else marks


def _render(
    tokenizer: Any, messages: Messages, told: Mapping[str, Any], *, prompt: bool = True
) -> str:
    try:
        return render_text(tokenizer, messages, prompt=prompt, told=told)
    except BadInputError as error:
        raise CannotSayError("it refuses an ordinary conversation") from error


def _conversations(*, has_system: bool) -> list[Messages]:
    """Of one to five turns, with texts of several lines and signs that templates may touch."""
    asked = ["What is 2 + 3?", "Write:\n\n  a <b> & 'c'", "And {{ why }}?"]
    said = ["5", "Two\nlines."]
    turns: list[dict[str, str]] = []
    found: list[Messages] = []
    for number, question in enumerate(asked):
        turns = [*turns, {"role": "user", "content": question}]
        found.append(turns)
        if number < len(said):
            turns = [*turns, {"role": "assistant", "content": said[number]}]
    system = {"role": "system", "content": "Be brief.\nSay <think> first."}
    return [*found, *([system, *turns] for turns in found if has_system)]

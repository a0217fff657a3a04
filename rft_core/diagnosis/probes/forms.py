"""The form in which a reward wants its answers: `<think>…</think> <answer>…</answer>`, a box, bare.

Read from a completion known to be right, or listed as guesses to be tried. Knows nothing of what
the answer is or what a form earns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rft_core.rewards.text.format import has_visible_text

THOUGHT, ANSWER = "{thought}", "{answer}"
_PAIR = re.compile(r"<(\w+)>(.*?)</\1>", re.DOTALL)
_OPENING = re.compile(r"<([A-Za-z]\w*)>")
_TAG = re.compile(r"</?[A-Za-z]\w*>")


@dataclass(frozen=True)
class Form:
    """Two templates: what holds the thought, and what holds the answer and comes after it."""

    thought_part: str
    answer_part: str

    def write(self, thought: str, answer: str) -> str:
        return self.write_thought(thought) + self.write_answer(answer)

    def write_thought(self, thought: str) -> str:
        return self.thought_part.replace(THOUGHT, thought)

    def write_answer(self, answer: str) -> str:
        return self.answer_part.replace(ANSWER, answer)

    @property
    def tags(self) -> list[str]:
        """Its tags in order, opening and closing ones."""
        return _TAG.findall(self.thought_part + self.answer_part)

    @property
    def has_thought(self) -> bool:
        return THOUGHT in self.thought_part

    def fits(self, completion: str) -> bool:
        """Whether a completion has this form: every tag once and in order, text in every slot."""
        if any(completion.count(tag) != 1 for tag in self.tags):
            return False
        text, slots = completion.strip(), []
        *before, end = re.split(r"\{(?:thought|answer)\}", self.thought_part + self.answer_part)
        for literal in before:
            slot, found, text = text.partition(literal) if literal else ("", "", text)
            if literal and not found:
                return False
            slots.append(slot)
        if not text.endswith(end.rstrip()):
            return False
        first, *filled = [*slots, text.removesuffix(end.rstrip())]
        return not first and all(map(has_visible_text, filled))


@dataclass(frozen=True)
class Reading:
    """A completion taken apart."""

    form: Form
    thought: str
    answer: str


THINK_ANSWER = Form("<think>{thought}</think>\n", "<answer>{answer}</answer>")
STANDARD_FORMS = (
    THINK_ANSWER,
    Form("<think>\n{thought}\n</think>\n", "<answer>\n{answer}\n</answer>"),
    Form("<reasoning>\n{thought}\n</reasoning>\n", "<answer>\n{answer}\n</answer>\n"),
    Form("{thought}\n", "<answer>{answer}</answer>"),
    Form("<think>{thought}</think>\n", "<answer>\\boxed{{answer}}</answer>"),
    Form("<think>{thought}</think>\n", "\\boxed{{answer}}"),
    Form("<think>{thought}</think>\n", "{answer}"),
    Form("{thought}\n", "\\boxed{{answer}}"),
    Form("{thought}\n", "#### {answer}"),
    Form("{thought}\n", "Answer: {answer}"),
    Form("{thought} ", "The answer is {answer}."),
    Form("{thought}\n", "```json\n{answer}\n```"),
    Form("{thought}\n", "```python\n{answer}\n```"),
    Form("", "<answer>{answer}</answer>"),
    Form("", "{answer}"),
)


def read_completion(completion: str) -> Reading:
    """The last tagged block holds the answer, the first of several the thought."""
    pairs = list(_PAIR.finditer(completion))
    if not pairs:
        return Reading(Form("", ANSWER), "", completion)
    last, first = pairs[-1], pairs[0]
    before = completion[: last.start()]
    answer_part = f"<{last[1]}>{ANSWER}</{last[1]}>{completion[last.end() :]}"
    if first is last:
        return Reading(Form(before, answer_part), "", last[2])
    thought_part = before[: first.start(2)] + THOUGHT + before[first.end(2) :]
    return Reading(Form(thought_part, answer_part), first[2], last[2])


def list_forms(texts: Iterable[str]) -> list[Form]:
    """The standard forms, and before them those made of the tags that `texts` mention."""
    found = [form for text in texts for form in _forms_in(text)]
    return list(dict.fromkeys([THINK_ANSWER, *found, *STANDARD_FORMS]))


def _forms_in(text: str) -> Iterator[Form]:
    """The first tag around the thought, the last one around the answer; all tags in their order."""
    names = list(dict.fromkeys(_OPENING.findall(text)))
    if names:
        thought = f"<{names[0]}>{THOUGHT}</{names[0]}>\n" if len(names) > 1 else ""
        yield Form(thought, f"<{names[-1]}>{ANSWER}</{names[-1]}>")
    tags = list(dict.fromkeys(_TAG.findall(text)))  # such as <start> and <end>
    if len(tags) == 4:
        yield Form(f"{tags[0]}{THOUGHT}{tags[1]}\n", f"{tags[2]}{ANSWER}{tags[3]}")

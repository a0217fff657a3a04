"""What the probes know of one prompt: its right answer and form, wrong ones, the reward's words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rft_core.diagnosis.probes.answers import LONGEST_SHORT, kind_of
from rft_core.diagnosis.probes.forms import Form
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.text.format import read_tags
from rft_core.types import Messages, Row

LONGEST_COMPARED = 200  # characters of a gold text that the row holds to compare with
LONGEST_WORD = 60
MOST_WORDS = 60
_REGEX_SIGNS = re.compile(r"[\\\[\](){}^$|*+]")
_LOOSE_REGEX = (  # enough to turn the usual patterns into a text that they match
    (r"\(\?[a-zA-Z:!=<-]*|\\[bAZ]|[\^$]|\{\d*,?\d*\}", ""),
    (r"\\d[*+?]*", "1"),
    (r"\\s[*+?]*", " "),
    (r"\\[wS][*+?]*|\[[^\]]*\][*+?]*|\.[*+?]+", "text"),
    (r"[()]|(?<!\\)[*+?]", ""),
    (r"\\(.)", r"\1"),
)


@dataclass(frozen=True)
class ProbeCase:
    """One prompt to attack. `gold` is a completion known to be right, None where none is known.

    `cheats` are the task's own attacks, by name. `others` are gold completions of other prompts:
    valid, and wrong here. `samples` is what a model wrote, if it did.
    """

    row: Row
    prompt: Messages
    gold: str | None = None
    cheats: Mapping[str, str] = field(default_factory=dict)
    others: Sequence[str] = ()
    samples: Sequence[str] = ()

    @property
    def prompt_text(self) -> str:
        """What the user asks."""
        return str(self.prompt[-1]["content"]) if self.prompt else ""


@dataclass(frozen=True)
class Target:
    """A case with the best completion found for it, taken apart, and answers that are wrong.

    `gold_column` is the column that holds the answer, "" where none does. `known`: the gold is
    the task's own, or earned full marks, and was not merely found in some column.
    """

    case: ProbeCase
    form: Form
    thought: str
    answer: str
    wrong: tuple[str, ...]
    constant: str
    gold_column: str
    words: tuple[str, ...]
    known: bool

    @property
    def gold(self) -> str:
        return self.form.write(self.thought, self.answer)

    @property
    def is_exact(self) -> bool:
        """Whether more words beside the answer make it another one; not so for a free text."""
        longest = LONGEST_COMPARED if self.gold_column else LONGEST_SHORT
        return kind_of(self.answer) not in ("word", "text") or len(self.answer) <= longest

    @property
    def neutral(self) -> str:
        """A thought about as long as the gold's that says nothing of the answer."""
        return neutral_thought(len(self.thought))

    @property
    def mistaken(self) -> str:
        """The gold's thought with other digits and a wrong answer: honest work gone wrong."""
        pattern = rf"(?<!\w){re.escape(self.answer)}(?!\w)"
        thought = re.sub(pattern, lambda _: self.wrong[0], self.thought, flags=re.IGNORECASE)
        return thought.translate(OTHER_DIGITS)

    def is_wrong_answer(self, completion: str) -> bool:
        """Whether one of the wrong answers is what it gives as its answer."""
        ends = [self.form.write_answer(wrong).rstrip() for wrong in self.wrong]
        return completion.rstrip().endswith(tuple(ends))


OTHER_DIGITS = str.maketrans("0123456789", "3456789012")
NEUTRAL = (
    "Let me look at what is asked here and go through it with care. The text gives a few facts, "
    "and each of them matters for the result. I put them in order before I use them. Some belong "
    "together, others stand alone. Having gone through all of them I can now say what follows. "
    "It is worth a second look, since mistakes are easily made in such work. Nothing seems to be "
    "missing, nothing is used more often than it should be, and so I write down what I found."
)


def neutral_thought(length: int) -> str:
    """Whole sentences of about this length together; one at least."""
    first = NEUTRAL.index(".") + 1
    return NEUTRAL[: max(first, NEUTRAL.rfind(".", 0, length) + 1)]


def source_words(reward_set: RewardSet) -> tuple[str, ...]:
    """The texts and words that the rewards' Python source mentions, docstrings aside."""
    sources = {entry.source for entry in reward_set.entries if entry.source}
    found = [word for source in sorted(sources) for word in _words_in(source)]
    return tuple(dict.fromkeys(found))[:MOST_WORDS]


def _words_in(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    said = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
    }  # docstrings are no part of the reward
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            text = node.value.strip()
            if _REGEX_SIGNS.search(text):
                yield from filter(None, map(_sample_regex, text.split("|")))
            elif text and len(text) <= LONGEST_WORD:
                yield text


def _sample_regex(pattern: str) -> str:
    """Roughly a text that the pattern matches."""
    pattern = pattern.replace(r"\\", "\0")
    for old, new in _LOOSE_REGEX:
        pattern = re.sub(old, new, pattern)
    return pattern.replace("\0", "\\").strip()[:LONGEST_WORD]


def source_texts(reward_set: RewardSet) -> list[str]:
    """The rewards' Python sources and options, which name the tags that they look for."""
    sources = {entry.source for entry in reward_set.entries if entry.source}
    for entry in reward_set.entries:
        if entry.grader == "format" and "tags" in entry.options:
            sources.add("".join(f"<{name}></{name}>" for name in read_tags(entry.options["tags"])))
    return sorted(sources)

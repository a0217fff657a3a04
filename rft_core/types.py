"""The words that every layer says: a row, messages, a completion, a problem.

Imports nothing of this project, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Row = Mapping[str, Any]  # what a prompt is made of, and what graders look at
Message = Mapping[str, str]  # {"role": ..., "content": ...}
Messages = Sequence[Message]
Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Completion:
    """What a policy wrote after a prompt.

    `text` is decoded without special tokens. `token_ids` end with the end token unless `truncated`:
    stopped by the longest length allowed. `logprob` is the summed natural log probability of the
    tokens, before temperature, top-p and top-k; None where nobody computed it.
    """

    text: str
    token_ids: tuple[int, ...]
    truncated: bool
    logprob: float | None = None


@dataclass(frozen=True)
class Problem:
    """Something that is wrong, and its cure.

    `kind` names it for programs and tests, `where` is the field, row, line or function ("": the
    whole), `what` is one sentence with its cause, `fix` the next thing to do.
    """

    kind: str
    severity: Severity
    where: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}" + (f" ({self.fix})" if self.fix else "")

    @property
    def sentence(self) -> str:
        """Cause and cure in one: '97% were cut off: raise max_completion_length to 160.'"""
        if not self.fix:
            return self.what
        return f"{self.what.rstrip('.')}: {self.fix[0].lower()}{self.fix[1:]}"

"""The vocabulary of rewards: what is scored, what comes out, and what a reward set is.

A *reward function* (OpenAI calls it a grader) is TRL's: keywords in, a list of float or None out,
None meaning "cannot judge". A *grader* is one of ours: a plain function of one completion and its
row that also says why. A *reward set* names several of either with their weights; it is immutable
and known by the hash of its content, so that a run can pin it. Weight 0 means "only logged".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rft_core.types import Messages, Row

PYTHON_GRADER = "python"
LEARNED_GRADER = "reward_model"
SHAPING = ("when_flagged", "only_if", "clip_low", "clip_high", "in_group")
NO_VALUE = (None, "")
ABOUT_FORM = ("format", "compilation", "length", "repetition", "regex", "speed")
LARGEST = 1e9  # of a score and of a weight: the trainer squares sums of their products in float32
LONGEST_METRIC_NAME, CUT = 64, "… (cut)"


@dataclass(frozen=True)
class Grade:
    """One function's verdict on one completion. `score` None: unscored, it could not be judged.

    `unscored_by_us`: because the sandbox failed, and not through the completion or its row.
    `answer`: what the completion's program computed, "" where it computed nothing; None where the
    answer is to be read in the text. `evidence`: what shows it, a text or a picture as a data URL.
    """

    score: float | None
    reason: str
    flags: tuple[str, ...] = ()
    unscored_by_us: bool = False
    answer: str | None = None
    evidence: str = ""


@dataclass(frozen=True)
class RewardEntry:
    """One function of a reward set: a built-in grader with options, or Python source.

    For `grader == "python"`, `source` is a whole module and `options["function"]` names the
    function in it (default: `name`).

    The last fields say how the score counts, in the order of `shaping.py`: `when_flagged` replaces
    it where any function flagged the completion; `only_if` names the function that must have given
    1, else it is 0; `clip_low` and `clip_high` bound it; `in_group` ("rank", "min_max") makes it
    relative to the other completions of the same prompt.
    """

    name: str
    grader: str
    weight: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
    when_flagged: float | None = None
    only_if: str = ""
    clip_low: float | None = None
    clip_high: float | None = None
    in_group: str = ""

    @property
    def shaping(self) -> dict[str, Any]:
        """The fields that say how the score counts, where they are not at their defaults."""
        return {
            name: getattr(self, name) for name in SHAPING if getattr(self, name) not in NO_VALUE
        }

    def as_dict(self) -> dict[str, Any]:
        """For JSON. Fields without a value are left out, so that ids stay as they were before."""
        return {name: value for name, value in asdict(self).items() if name not in SHAPING} | (
            self.shaping
        )

    @property
    def function(self) -> str:
        return str(self.options.get("function", self.name))


def guess_truth(entries: Sequence[RewardEntry]) -> tuple[str, ...]:
    """What decides in a set that does not say: by convention, and as stored sets always meant it.

    `correctness`, or Countdown's `equation`; else all that is paid for and is more than form; a set
    that pays for form alone is decided by form. () where nothing has a weight. A reward model's
    taste decides nothing where anything else does.
    """
    named = [e for name in ("correctness", "equation") for e in entries if e.name == name]
    paid = [entry for entry in entries if entry.weight > 0]
    paid = [entry for entry in paid if entry.grader != LEARNED_GRADER] or paid
    others = [e for e in paid if e.name not in ABOUT_FORM and not e.grader.endswith(ABOUT_FORM)]
    return tuple(entry.name for entry in named[:1] or others or paid)


def head_columns(names: Iterable[str], taken: Collection[str]) -> list[str]:
    """A heading for each function beside those that a table has already: "reward (function)"."""
    return [f"{name} (function)" if name in taken else name for name in names]


@dataclass(frozen=True)
class RewardSet:
    """Named reward functions with weights, in the order in which TRL sees them.

    `truth` names the functions whose full scores mean that a completion is right. (): the set does
    not say, and `guess_truth` does.
    """

    entries: tuple[RewardEntry, ...]
    name: str = ""
    truth: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Hash of the content; the name does not count, nor a truth that says what is guessed."""
        content: Any = [entry.as_dict() for entry in self.entries]
        if self.truth and set(self.truth) != set(guess_truth(self.entries)):
            content = {"entries": content, "truth": sorted(self.truth)}
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return "rw-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in self.entries)

    @property
    def weights(self) -> tuple[float, ...]:
        return tuple(entry.weight for entry in self.entries)

    def to_json(self) -> str:
        entries = [entry.as_dict() for entry in self.entries]
        said = {"truth": list(self.truth)} if self.truth else {}
        return json.dumps({"name": self.name, "entries": entries} | said, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> RewardSet:
        data = json.loads(text)
        entries = tuple(RewardEntry(**entry) for entry in data["entries"])
        return cls(entries, data["name"], tuple(data.get("truth", ())))


@dataclass(frozen=True)
class Batch:
    """Completions to score, aligned by index. Groups are consecutive.

    `completion_ids` are token ids where a model sampled the completions, else empty lists.
    """

    prompts: Sequence[Messages]
    completions: Sequence[str]
    rows: Sequence[Row]
    completion_ids: Sequence[Sequence[int]] = ()

    def __len__(self) -> int:
        return len(self.completions)


@dataclass(frozen=True)
class Scored:
    """All functions' verdicts on one completion, and the weighted sum.

    `reward` is the sum of weight x score over the functions that could judge; None if none could.
    `answer`: of the first function that computes one; see `Grade`. `evidence`: of the functions
    that show any.
    """

    scores: Mapping[str, float | None]
    reward: float | None
    reasons: Mapping[str, str]
    flags: tuple[str, ...] = ()
    answer: str | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FunctionReport:
    """How one reward function behaved on a batch. `error` is None when it kept its contract.

    `error_kind` is one of: exception, hang, wrong_length, not_a_number, not_finite, too_large,
    died, syntax, unusable (a row lacks what it needs, or nothing may be run here), cache (verdicts
    of a judge cannot be kept; the scores count).
    `error_sample` is the index of the offending completion where one could be singled out, and
    `error_line` the line of the user's source. `metrics` is what the function gave to `log_metric`;
    training records it. `extras` is what it gave to `log_extra`: a dry run shows every column that
    has a value for each completion, training keeps "reason", "flag" and "evidence"; the mean of a
    column of numbers is among the `metrics`. `unscored_by_us` are the indices of the completions
    left unscored by a failure of the sandbox itself, `dead_servers` how many of its servers had
    failed in a row by then.
    """

    name: str
    seconds: float
    stdout: str = ""
    error: str | None = None
    error_kind: str | None = None
    error_sample: int | None = None
    error_line: int | None = None
    traceback: str = ""
    extras: Mapping[str, Sequence[str]] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    unscored_by_us: tuple[int, ...] = ()
    dead_servers: int = 0

    def __post_init__(self) -> None:
        """A metric's name becomes a chart's title and a column: short, and all to be seen."""
        readable = {_make_readable(name): value for name, value in self.metrics.items()}
        object.__setattr__(self, "metrics", readable)


def _make_readable(name: str) -> str:
    """At most `LONGEST_METRIC_NAME` printable characters; what is too long is cut, and says so."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in name) or "unnamed"
    if len(shown) <= LONGEST_METRIC_NAME:
        return shown
    return shown[: LONGEST_METRIC_NAME - len(CUT)] + CUT


@dataclass(frozen=True)
class Scoring:
    """The result of scoring a batch: one `Scored` per completion, one report per function."""

    samples: tuple[Scored, ...]
    reports: tuple[FunctionReport, ...]

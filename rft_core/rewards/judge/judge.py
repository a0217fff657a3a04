"""A language model as the judge: a rubric, a range, and any OpenAI-compatible endpoint.

The judge must reply with one JSON object, {"score": number, "reason": text}; the score is moved
from its range to 0…1. Or it ranks all completions of a prompt in one call (`ranking.py`). A reply
that is not that, a score outside the range, an endpoint that fails: unscored, never 0. What is to
be judged reaches the judge between marks that it cannot know and with the notice that it is data;
text in it that speaks to the judge is flagged. None of that makes a judge proof against persuasion:
gate it by what a program can check.

Scores are kept by the hash of all that decides them (in memory, or in an SQLite file), equal
questions are asked once, and tokens, cost and latency are in the report's metrics and extras.
All questions of a judge are asked from one event loop, in a thread of its own.
Source: "Judging LLM-as-a-Judge" (arXiv 2306.05685); OpenAI's `score_model` grader.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import httpx

from rft_core.errors import BadInputError
from rft_core.paths import get_judge_limit_path, get_runs_dir
from rft_core.rewards.contract import Batch, FunctionReport, Grade, RewardEntry
from rft_core.rewards.grader_context import GraderContext
from rft_core.rewards.grader_info import SHORTEST_TIME, BatchGrader, GraderInfo, GraderOption
from rft_core.rewards.in_group import list_groups
from rft_core.rewards.judge.asking import InquiryOutcome, ask_all
from rft_core.rewards.judge.cache import NOT_ASKED, JudgeScore, ScoreCache
from rft_core.rewards.judge.chat_endpoint import ChatEndpoint
from rft_core.rewards.judge.inquiries import Inquiry, list_inquiries, name_mark
from rft_core.rewards.judge.keys import check_key, check_key_variable
from rft_core.rewards.judge.question import LONGEST_JUDGED
from rft_core.rewards.judge.rate_limit import MonotonicClock, RateLimit, WaitingClock
from rft_core.rewards.judge.report import JudgeAnswer, report_batch, share_undecided
from rft_core.rewards.judge.shared_limit import SharedRateLimit

CLOSING_SECONDS = 5.0
_TO_THE_JUDGE = re.compile(
    r"ignore (?:all |any |the |your )*(?:previous|prior|above|earlier) (?:instructions|rubric)"
    r"|\"score\"\s*:|(?:give|award|assign|rate)\s+(?:me|this|it|my)\b.{0,40}?"
    r"\b(?:\d+|full|max\w*|top|highest|perfect)\b|\b(?:dear|note to|attention,?)\s+(?:the\s+)?"
    r"(?:judge|grader)\b",
    re.IGNORECASE,
)


Result = TypeVar("Result")


class Judge:
    """One entry's judge with its endpoint, its cache and its event loop."""

    def __init__(
        self, entry: RewardEntry, limit: RateLimit | None = None, clock: WaitingClock | None = None
    ) -> None:
        """`limit`: shared by the judges of one endpoint; without one it is the entry's own.

        Raises `BadInputError` where its key must not be sent to its address.
        """
        self._name = entry.name
        self._options = options = JUDGE.with_defaults(entry)
        check_key(entry.name, options["base_url"], options["key_variable"])
        self._endpoint = ChatEndpoint(
            options["base_url"],
            options["model"],
            options["key_variable"],
            options["timeout"],
            options["retries"],
            limit or _make_limit(options),
            clock or MonotonicClock(),
        )
        self._cache = ScoreCache(options["cache_file"] or ":memory:")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="judge", daemon=True)
        self._thread.start()

    def close(self) -> None:
        with suppress(TimeoutError):
            self._wait(self._endpoint.close(), CLOSING_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSING_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()
        self._cache.close()

    def score(self, batch: Batch, timeout: float) -> tuple[list[Grade], FunctionReport]:
        """Judge every completion; equal questions are asked once.

        `timeout`: seconds for each question, from its turn on. Where the endpoint is asked and
        gives no score for that long, what is left of the batch stays unscored.
        """
        start, sent_before = time.monotonic(), self._endpoint.limit.num_requests
        groups = list(list_groups(batch))
        inquiries = list_inquiries(self._options, batch, groups)
        known = self._cache.find(dict.fromkeys(inquiries.mark_keys))
        new = {
            key: inquiries.by_key[key]
            for (key, _), mark_key in zip(inquiries.places, inquiries.mark_keys, strict=True)
            if mark_key not in known
        }
        asked = self._wait(self._ask_all(new, timeout), None)
        marked = {mark: score for key, one in asked.items() for mark, score in _spread(key, one)}
        self._cache.keep(marked)
        scores = known | marked
        answers: list[JudgeAnswer] = [
            scores[mark_key] if mark_key in scores else str(asked[key].marks)
            for (key, _), mark_key in zip(inquiries.places, inquiries.mark_keys, strict=True)
        ]
        report = report_batch(
            self._name,
            answers,
            [reply for one in asked.values() for reply in one.replies],
            calls=self._endpoint.limit.num_requests - sent_before,
            undecided=share_undecided(groups, batch.completions, answers),
            prices=(self._options["price_in"], self._options["price_out"]),
            seconds=time.monotonic() - start,
            cache_problem=self._cache.take_problem(),
        )
        return list(map(self._grade, answers, batch.completions)), report

    def _wait(self, work: Coroutine[Any, Any, Result], timeout: float | None) -> Result:
        """What the event loop makes of it; stopped with whoever waits, as by Ctrl-C."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        finally:
            future.cancel()

    def _ask_all(
        self, inquiries: Mapping[str, Inquiry], timeout: float
    ) -> Coroutine[Any, Any, dict[str, InquiryOutcome]]:
        return ask_all(
            self._endpoint,
            inquiries,
            timeout=timeout,
            concurrency=self._options["concurrency"],
            max_tokens=self._options["max_tokens"],
        )

    def _grade(self, answer: JudgeAnswer, completion: str) -> Grade:
        flags = ("speaks_to_judge",) if _TO_THE_JUDGE.search(completion[:LONGEST_JUDGED]) else ()
        if isinstance(answer, str):
            return Grade(None, f"Not judged: {answer}.", flags)
        if self._options["labels"] or self._options["ranks_group"]:
            return Grade(answer.score, answer.reason, flags)
        low, high = self._options["minimum"], self._options["maximum"]
        if self._options["raw"]:
            low, high = 0.0, 1.0
        reason = f"{answer.score:g} of {self._options['maximum']:g}: {answer.reason}"
        return Grade((answer.score - low) / (high - low), reason, flags)


def _spread(key: str, asked: InquiryOutcome) -> Iterator[tuple[str, JudgeScore]]:
    """The score of each text that one question showed; none without an answer."""
    if isinstance(asked.marks, str):
        return
    reply = asked.replies[-1] if asked.replies else NOT_ASKED
    for place, (score, reason) in enumerate(asked.marks):
        yield name_mark(key, place), JudgeScore(score, reason, reply)


def _make_limit(options: Mapping[str, Any]) -> RateLimit:
    return RateLimit(options["requests_per_minute"], options["tokens_per_minute"])


def _share_limit(options: Mapping[str, Any], limits: Sequence[Any]) -> RateLimit:
    """Without a limit there is nothing to count."""
    most = options["requests_per_minute"], options["tokens_per_minute"]
    if not any(most):
        return RateLimit()
    mark = hashlib.sha256(json.dumps(limits).encode()).hexdigest()[:16]
    return SharedRateLimit(get_judge_limit_path(get_runs_dir(), mark), *most)


def check_judge(entry: RewardEntry) -> None:
    """Raise `BadInputError` for options with which nothing can be asked or understood."""
    options = JUDGE.with_defaults(entry)
    check_key_variable(entry.name, options["key_variable"])
    lists = ((_is_text, "labels"), (_is_text, "passing_labels"), (_is_message, "messages"))
    for holds, what, fix in (
        (_is_address(options["base_url"]), "has no web address",
         "Begin base_url with http:// or https:// and the name of a host"),
        (options["model"].strip(), "has no model", "Name one that the endpoint serves"),
        (options["rubric"].strip() or options["messages"], "has no rubric",
         "Say what a good completion is"),
        (options["minimum"] < options["maximum"], "has an empty range",
         "Set maximum above minimum"),
        (all(_is_list_of(check, options[name]) for check, name in lists),
         "has messages or labels that are no JSON list",
         'Write messages as [{"role": ..., "content": ...}] and labels as ["good", "bad"]'),
        (options["messages"] or not options["labels"], "has labels, and nothing asks for one",
         "Write the messages that ask, or leave the labels out"),
        (not (options["ranks_group"] and options["messages"]),
         "has messages of its own, and is to rank whole groups",
         "Say by the rubric what is better, or turn ranks_group off"),
    ):  # fmt: skip
        if not holds:
            raise BadInputError(f"The judge '{entry.name}' {what}", "", fix)


def _is_address(text: str) -> bool:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return url.scheme in ("http", "https") and bool(url.host)


def _is_list_of(is_item: Callable[[Any], bool], text: str) -> bool:
    try:
        value = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return False
    return isinstance(value, list) and all(map(is_item, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_message(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, map(value.get, ("role", "content"))))


def open_judge(entry: RewardEntry, context: GraderContext) -> BatchGrader:
    """The judges of one endpoint and model share its limits, in all processes."""
    options = JUDGE.with_defaults(entry)
    names = ("base_url", "model", "requests_per_minute", "tokens_per_minute")
    limits = ("judge", *(options[name] for name in names))
    return Judge(entry, context.share_as(limits, lambda: _share_limit(options, limits)))


JUDGE = GraderInfo(
    "judge",
    None,
    "A language model judges by your rubric, through any OpenAI-compatible endpoint.",
    (
        GraderOption("base_url", "text", "http://127.0.0.1:8000/v1", "Address of the endpoint."),
        GraderOption("model", "text", "", "Name of the judging model."),
        GraderOption("rubric", "text", "", "What a good completion is, and what the scores mean."),
        GraderOption("minimum", "float", 0.0, "Worst score the judge may give; counts as 0."),
        GraderOption("maximum", "float", 10.0, "Best score the judge may give; counts as 1."),
        GraderOption("column", "text", "answer", "Column with a reference answer, if any."),
        GraderOption(
            "key_variable",
            "text",
            "",
            "Variable with the API key: ..._KEY or ..._TOKEN.",
        ),
        GraderOption(
            "ranks_group",
            "bool",
            False,
            "One call ranks all completions of a prompt: 1 is the best, 0 the worst.",
        ),
        GraderOption("concurrency", "int", 8, "Questions asked at the same time.", minimum=1),
        GraderOption(
            "requests_per_minute", "int", 0, "Most requests of any 60 s; 0: no limit.", minimum=0
        ),
        GraderOption(
            "tokens_per_minute",
            "int",
            0,
            "Most tokens of any 60 s, asked and answered; 0: no limit.",
            minimum=0,
        ),
        GraderOption(
            "max_tokens", "int", 1_000, "Most tokens of one answer, with its thought.", minimum=1
        ),
        GraderOption("retries", "int", 3, "Further attempts after an error.", minimum=0),
        GraderOption("timeout", "float", 30.0, "Seconds for one attempt.", minimum=SHORTEST_TIME),
        GraderOption("cache_file", "text", "", "SQLite file to keep scores in; empty: memory."),
        GraderOption("messages", "text", "", "Messages in OpenAI's form, in place of the rubric."),
        GraderOption("labels", "text", "", "JSON list: the judge names a label, not a score."),
        GraderOption("passing_labels", "text", "", "JSON list: the labels that score 1."),
        GraderOption("raw", "bool", False, "Keep the judge's own range instead of 0 to 1."),
        GraderOption("price_in", "float", 0.0, "Price of a million tokens asked.", minimum=0),
        GraderOption("price_out", "float", 0.0, "Price of a million tokens answered.", minimum=0),
    ),
    open=open_judge,
    check=check_judge,
)

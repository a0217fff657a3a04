"""A language model as the judge: a rubric, a range, and any OpenAI-compatible endpoint.

The judge must reply with one JSON object, {"score": number, "reason": text}; the score is moved
from its range to 0…1. A reply that is not that, a score outside the range, an endpoint that fails:
the completion is unscored, never 0. The completion reaches the judge between marks that it cannot
know and with the notice that it is data; text in it that speaks to the judge is flagged. None of
that makes a judge proof against persuasion: gate it by what a program can check.

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
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import httpx

from rft_core.errors import BadInputError
from rft_core.rewards.contract import Batch, FunctionReport, Grade, RewardEntry
from rft_core.rewards.grader_context import GraderContext
from rft_core.rewards.grader_info import SHORTEST_TIME, BatchGrader, GraderInfo, GraderOption
from rft_core.rewards.judge.cache import JudgeScore, ScoreCache
from rft_core.rewards.judge.chat_endpoint import ChatEndpoint, EndpointError
from rft_core.rewards.judge.keys import check_key, check_key_variable
from rft_core.rewards.judge.question import (
    LONGEST_JUDGED,
    Question,
    make_question,
    read_label,
    read_score,
)
from rft_core.rewards.judge.report import JudgeAnswer, report_batch

CLOSING_SECONDS = 5.0
MOST_TOKENS = 1_000  # that an answer may take; thinking judges think briefly
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

    def __init__(self, entry: RewardEntry) -> None:
        """Raises `BadInputError` where its key must not be sent to its address."""
        self._name = entry.name
        self._options = JUDGE.with_defaults(entry)
        check_key(entry.name, self._options["base_url"], self._options["key_variable"])
        self._endpoint = ChatEndpoint(
            self._options["base_url"],
            self._options["model"],
            self._options["key_variable"],
            self._options["timeout"],
            self._options["retries"],
        )
        self._cache = ScoreCache(self._options["cache_file"] or ":memory:")
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

        `timeout`: seconds for each completion, from when it is asked about. Where the endpoint has
        given no score for that long, what is left of the batch stays unscored.
        """
        start = time.monotonic()
        samples = zip(batch.prompts, batch.completions, batch.rows, strict=True)
        questions = [make_question(self._options, *sample) for sample in samples]
        keys = list(map(self._hash, questions))
        unique = dict(zip(keys, questions, strict=True))
        known = self._cache.find(unique)
        new = {key: question for key, question in unique.items() if key not in known}
        answered = self._wait(self._ask_all(new, timeout), None)
        self._cache.keep({k: one for k, one in answered.items() if isinstance(one, JudgeScore)})
        answers = [(known | answered)[key] for key in keys]
        grades = list(map(self._grade, answers, batch.completions))
        report = report_batch(
            self._name,
            answers,
            [one for one in answered.values() if isinstance(one, JudgeScore)],
            calls=sum(not isinstance(question, str) for question in new.values()),
            prices=(self._options["price_in"], self._options["price_out"]),
            seconds=time.monotonic() - start,
            cache_problem=self._cache.take_problem(),
        )
        return grades, report

    def _wait(self, work: Coroutine[Any, Any, Result], timeout: float | None) -> Result:
        """What the event loop makes of it; stopped with whoever waits, as by Ctrl-C."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        finally:
            future.cancel()

    async def _ask_all(
        self, questions: Mapping[str, Question], timeout: float
    ) -> dict[str, JudgeAnswer]:
        """A score, or why there is none, for each question, by its hash."""
        places = asyncio.Semaphore(self._options["concurrency"])
        last_score = time.monotonic()

        async def answer(question: Question) -> JudgeAnswer:
            nonlocal last_score
            if isinstance(question, str):
                return question
            async with places:
                now = time.monotonic()
                if now > last_score + timeout:
                    return f"the endpoint has given no score for {timeout:.3g} s"
                try:
                    async with asyncio.timeout(timeout):
                        score = await self._ask(question, now + timeout)
                except EndpointError as error:
                    return str(error)
                except TimeoutError:
                    return "the time for this completion was used up"
                last_score = time.monotonic()
                return score

        answers = await asyncio.gather(*map(answer, questions.values()))
        return dict(zip(questions, answers, strict=True))

    async def _ask(self, question: Sequence[Mapping[str, str]], deadline: float) -> JudgeScore:
        """Raises `EndpointError` where there is no score, also after asking once more."""
        for attempt in range(2):
            reply = await self._endpoint.ask(
                question, deadline, temperature=0, max_tokens=MOST_TOKENS
            )
            try:
                score, reason = self._read(reply.text)
                return JudgeScore(score, self._endpoint.mask(reason), reply)
            except ValueError as error:
                if attempt:
                    raise EndpointError(self._endpoint.mask(str(error))) from error
        raise AssertionError("the loop returns or raises")

    def _hash(self, question: Question) -> str:
        """Of everything that decides the score: which labels pass is not in the question."""
        passing = self._options["passing_labels"]
        text = json.dumps([self._endpoint.base_url, self._endpoint.model, question, passing])
        return hashlib.sha256(text.encode()).hexdigest()

    def _read(self, text: str) -> tuple[float, str]:
        if self._options["labels"]:
            label, reason = read_label(text, json.loads(self._options["labels"]))
            return float(label in json.loads(self._options["passing_labels"])), reason or label
        return read_score(text, self._options["minimum"], self._options["maximum"])

    def _grade(self, answer: JudgeAnswer, completion: str) -> Grade:
        flags = ("speaks_to_judge",) if _TO_THE_JUDGE.search(completion[:LONGEST_JUDGED]) else ()
        if isinstance(answer, str):
            return Grade(None, f"Not judged: {answer}.", flags)
        if self._options["labels"]:
            return Grade(answer.score, answer.reason, flags)
        low, high = self._options["minimum"], self._options["maximum"]
        if self._options["raw"]:
            low, high = 0.0, 1.0
        reason = f"{answer.score:g} of {self._options['maximum']:g}: {answer.reason}"
        return Grade((answer.score - low) / (high - low), reason, flags)


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
    return Judge(entry)


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
        GraderOption("concurrency", "int", 8, "Questions asked at the same time.", minimum=1),
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

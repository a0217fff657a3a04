"""A language model as the judge: a rubric, a range, and any OpenAI-compatible endpoint.

The judge must reply with one JSON object, {"score": number, "reason": text}; the score is moved
from its range to 0…1. A reply that is not that, a score outside the range, an endpoint that fails:
the completion is unscored, never 0. The completion reaches the judge between marks that it cannot
know and with the notice that it is data; text in it that speaks to the judge is flagged. None of
that makes a judge proof against persuasion: gate it by what a program can check.

Verdicts are kept by the hash of all that decides them (in memory, or in an SQLite file), equal
questions are asked once, and tokens, cost and latency are in the report's metrics and extras.
Source: "Judging LLM-as-a-Judge" (arXiv 2306.05685); OpenAI's `score_model` grader.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from rft_core.errors import BadInputError
from rft_core.rewards.contract import Batch, FunctionReport, Grade, RewardEntry
from rft_core.rewards.grader_info import SHORTEST_TIME, BatchGrader, GraderInfo, GraderOption
from rft_core.rewards.judge.cache import Verdict, VerdictCache
from rft_core.rewards.judge.chat_endpoint import ChatEndpoint, EndpointError
from rft_core.rewards.judge.question import LONGEST_JUDGED, Question, make_question
from rft_core.rewards.judge.reply import read_label, read_verdict
from rft_core.rewards.judge.report import report_batch
from rft_core.rewards.workbench import Workbench

MOST_TOKENS = 1_000  # that a verdict may take; thinking judges think briefly
_TO_THE_JUDGE = re.compile(
    r"ignore (?:all |any |the |your )*(?:previous|prior|above|earlier) (?:instructions|rubric)"
    r"|\"score\"\s*:|(?:give|award|assign|rate)\s+(?:me|this|it|my)\b.{0,40}?"
    r"\b(?:\d+|full|max\w*|top|highest|perfect)\b|\b(?:dear|note to|attention,?)\s+(?:the\s+)?"
    r"(?:judge|grader)\b",
    re.IGNORECASE,
)


class Judge:
    """One entry's judge with its endpoint, its cache and its threads."""

    def __init__(self, entry: RewardEntry) -> None:
        self._name = entry.name
        self._options = JUDGE.with_defaults(entry)
        self._endpoint = ChatEndpoint(
            self._options["base_url"],
            self._options["model"],
            self._options["key_variable"],
            self._options["timeout"],
            self._options["retries"],
        )
        self._cache = VerdictCache(self._options["cache_file"] or ":memory:")
        self._pool = ThreadPoolExecutor(self._options["concurrency"], "judge")

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._cache.close()

    def score(self, batch: Batch, timeout: float) -> tuple[list[Grade], FunctionReport]:
        """Judge every completion; equal questions are asked once."""
        start = time.monotonic()
        samples = zip(batch.prompts, batch.completions, batch.rows, strict=True)
        questions = [make_question(self._options, *sample) for sample in samples]
        keys = list(map(self._hash, questions))
        unique = dict(zip(keys, questions, strict=True))
        known = self._cache.find(unique)
        new = {key: question for key, question in unique.items() if key not in known}
        answered = self._ask_all(new, start + timeout)
        verdicts = [(known | answered)[key] for key in keys]
        grades = list(map(self._grade, verdicts, batch.completions))
        report = report_batch(
            self._name,
            verdicts,
            [verdict for verdict in answered.values() if isinstance(verdict, Verdict)],
            calls=sum(not isinstance(question, str) for question in new.values()),
            prices=(self._options["price_in"], self._options["price_out"]),
            seconds=time.monotonic() - start,
            cache_problem=self._cache.take_problem(),
        )
        return grades, report

    def _ask_all(
        self, questions: Mapping[str, Question], deadline: float
    ) -> dict[str, Verdict | str]:
        """A verdict, which is kept, or why there is none, for each question, by its hash."""
        futures = {
            key: self._pool.submit(self._ask, question, deadline)
            for key, question in questions.items()
            if not isinstance(question, str)
        }
        wait(futures.values(), timeout=max(0.0, deadline - time.monotonic()))
        answers = {key: _result(future) for key, future in futures.items()}
        self._cache.keep({key: one for key, one in answers.items() if isinstance(one, Verdict)})
        unasked = {key: text for key, text in questions.items() if isinstance(text, str)}
        return answers | unasked

    def _ask(self, question: Sequence[Mapping[str, str]], deadline: float) -> Verdict:
        """Raises `EndpointError` where there is no verdict, also after asking once more."""
        for attempt in range(2):
            reply = self._endpoint.ask(question, deadline, temperature=0, max_tokens=MOST_TOKENS)
            try:
                score, reason = self._read(reply.text)
                return Verdict(score, reason, reply)
            except ValueError as error:
                if attempt:
                    raise EndpointError(str(error)) from error
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
        return read_verdict(text, self._options["minimum"], self._options["maximum"])

    def _grade(self, verdict: Verdict | str, completion: str) -> Grade:
        flags = ("speaks_to_judge",) if _TO_THE_JUDGE.search(completion[:LONGEST_JUDGED]) else ()
        if isinstance(verdict, str):
            return Grade(None, f"Not judged: {verdict}.", flags)
        if self._options["labels"]:
            return Grade(verdict.score, verdict.reason, flags)
        low, high = self._options["minimum"], self._options["maximum"]
        if self._options["raw"]:
            low, high = 0.0, 1.0
        reason = f"{verdict.score:g} of {self._options['maximum']:g}: {verdict.reason}"
        return Grade((verdict.score - low) / (high - low), reason, flags)


def _result(future: Future[Verdict]) -> Verdict | str:
    if not future.done():
        future.cancel()
        return "the time for this batch was used up"
    try:
        return future.result()
    except EndpointError as error:
        return str(error)


def check_judge(entry: RewardEntry) -> None:
    """Raise `BadInputError` for options with which nothing can be asked or understood."""
    options = JUDGE.with_defaults(entry)
    lists = ((_is_text, "labels"), (_is_text, "passing_labels"), (_is_message, "messages"))
    for holds, what, fix in (
        (options["base_url"].startswith(("http://", "https://")), "has no web address",
         "Begin base_url with http:// or https://"),
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


def open_judge(entry: RewardEntry, workbench: Workbench) -> BatchGrader:
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
        GraderOption("key_variable", "text", "", "Environment variable that holds the API key."),
        GraderOption("concurrency", "int", 8, "Questions asked at the same time.", minimum=1),
        GraderOption("retries", "int", 3, "Further attempts after an error.", minimum=0),
        GraderOption("timeout", "float", 30.0, "Seconds for one attempt.", minimum=SHORTEST_TIME),
        GraderOption("cache_file", "text", "", "SQLite file to keep verdicts in; empty: memory."),
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

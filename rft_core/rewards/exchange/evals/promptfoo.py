"""A Promptfoo configuration: its tests as rows, its prompt as the template, assertions as rewards.

| there                       | here                                                           |
|-----------------------------|----------------------------------------------------------------|
| `prompts`                   | the template; a run asks in one way, so that there may be one   |
| `tests[…].vars`             | a row, each variable a column                                   |
| assertions a program checks | the row's `assertions`, judged by the grader of that name       |
| `python`                    | a reward function in Python, by `promptfoo_python.py`           |
| `llm-rubric`                | a judge, by `promptfoo_judge.py`                                |

Assertions of one metric, or else of one type, are one reward function, so that each has its curve.
Source: https://www.promptfoo.dev/docs/configuration/reference/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rft_core.data import PromptTemplate
from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.exchange.evals.asking import AskedMessage, make_asking
from rft_core.rewards.exchange.evals.eval_text import read_document
from rft_core.rewards.exchange.evals.imported_eval import EvalFindings, ImportedEval, nothing_left
from rft_core.rewards.exchange.evals.nunjucks import TemplateError, render_template
from rft_core.rewards.exchange.evals.promptfoo_columns import is_flat, read_flat
from rft_core.rewards.exchange.evals.promptfoo_rewards import make_rewards
from rft_core.rewards.exchange.evals.promptfoo_tests import (
    NO_PROGRAM,
    ONE_FILE,
    PromptfooTest,
    list_tests,
)
from rft_core.rewards.exchange.openai_graders import list_judges
from rft_core.rewards.scorer import check_reward_set

PROMPTFOO = "Promptfoo"
READ_KEYS = ("prompts", "tests", "defaultTest", "description", "assertionTemplates")
PROGRAMS = ("extensions", "nunjucksFilters", "derivedMetrics", "transform")
WITHOUT_MEANING = {
    "providers": "choose the model that is trained",
    "targets": "choose the model that is trained",
}
BESIDE = {
    "scenarios": "Write its tests out under 'tests'",
    "redteam": "It writes its tests itself. Bring the generated file",
}
DEFAULT_PROMPT = "{{prompt}}"
_DUMPED = re.compile(r"\{\{\s*([\w.\[\]]+)\s*\|\s*dump\s*\}\}")
_CHAT = re.compile(r"\s*(?:\[|- role:)")
_FILE = re.compile(
    r"(?:file://\S+|[\w./*-]+\.(?:txt|json|jsonl|ya?ml|m?[jt]s|py|md|csv|j2))(?::\w+)?"
)


def is_promptfoo(value: Any) -> bool:
    return isinstance(value, Mapping) and ("tests" in value or "defaultTest" in value)


def read_promptfoo(
    config: Mapping[str, Any],
    name: str,
    others: Sequence[tuple[str, list[Any]]] = (),
    template: PromptTemplate | None = None,
) -> ImportedEval:
    """`others`: further files with tests, in place of those that the configuration names.

    `template`: how the model is asked, in place of the prompts. Raises `BadInputError` where no
    rewards, no rows or no prompt are left.
    """
    findings = EvalFindings()
    title = str(config.get("description") or name)
    _remark_keys(config, findings)
    tests = [
        test
        for listed, path in _find_tests(config, others, findings)
        for test in list_tests(config, listed, path, findings)
    ]
    if not tests:
        raise nothing_left(title, "tests", findings)
    messages = None if template else _read_prompts(config.get("prompts", DEFAULT_PROMPT), findings)
    if template is None and messages is None:
        raise nothing_left(title, "prompt", findings)
    if messages:
        tests = [test for test in tests if _can_ask(messages, test, findings)]
        messages = [_with_affixes(message, tests, findings) for message in messages]
    entries, rows = make_rewards(tests, title, findings)
    if not entries:
        raise nothing_left(title, "assertion", findings)
    asking = (template, rows) if template else make_asking(
        messages or [], rows, render_template, findings
    )  # fmt: skip
    if asking is None:
        raise nothing_left(title, "prompt", findings)
    rewards = RewardSet(entries, title)
    check_reward_set(rewards)
    for remark in list_judges(rewards):
        findings.remark(remark)
    return ImportedEval(
        title, PROMPTFOO, rewards, asking[1], asking[0], findings.remarks, findings.unsupported
    )


def _remark_keys(config: Mapping[str, Any], findings: EvalFindings) -> None:
    for key, value in config.items():
        if key in BESIDE:
            findings.leave(key, BESIDE[key])
        elif key in PROGRAMS and value:
            findings.leave(key, NO_PROGRAM)
        elif key not in READ_KEYS:
            why = WITHOUT_MEANING.get(key, "it means nothing here")
            findings.remark(f"'{key}' was left out: {why}.")


def _find_tests(
    config: Mapping[str, Any], others: Sequence[tuple[str, list[Any]]], findings: EvalFindings
) -> list[tuple[list[Any], str]]:
    """Lists of tests with their paths: the configuration's own, and those of further files."""
    tests = config.get("tests")
    found = [
        ([read_flat(one) if is_flat(one) else one for one in records], name)
        for name, records in others
    ]
    listed = tests if isinstance(tests, list) else [] if tests is None else [tests]
    in_files = [one for one in listed if isinstance(one, str)]
    if in_files and not others:
        findings.leave(
            "tests", f"'{in_files[0]:.80}' is a file of its own. Bring it as a second one"
        )
    inline = [one for one in listed if not isinstance(one, str)]
    return [(inline, "tests"), *found] if inline else found


def _read_prompts(value: Any, findings: EvalFindings) -> list[AskedMessage] | None:
    """The messages of the first prompt; a run asks in one way, so the others stay behind."""
    listed = value if isinstance(value, list) else [value]
    for number in range(1, len(listed)):
        findings.leave(
            f"prompts[{number}]",
            "a run asks in one way. Import it again with this prompt as the only one",
        )
    first, path = (listed[0] if listed else ""), "prompts[0]"
    if isinstance(first, Mapping):
        unknown = set(first) - {"raw", "label", "id", "display"}
        for key in sorted(unknown):
            findings.leave(f"{path}.{key}", NO_PROGRAM if key == "function" else ONE_FILE)
        first, path = first.get("raw") or first.get("id"), f"{path}.raw"
    if not isinstance(first, str) or not first.strip() or _FILE.fullmatch(first.strip()):
        findings.leave(path, f"'{first}' is no text. Write the prompt's text in its place")
        return None
    return _read_chat(first, path, findings)


def _read_chat(text: str, path: str, findings: EvalFindings) -> list[AskedMessage] | None:
    """The messages that the text is in JSON or YAML, else one of the user."""
    written = _DUMPED.sub(r'"{{ \1 }}"', text)
    try:
        chat = read_document(written, path) if _CHAT.match(text) else None
    except BadInputError:
        chat = None
    if not isinstance(chat, list) or not all(isinstance(one, Mapping) for one in chat):
        return [AskedMessage("user", text, path)]
    messages = []
    for number, one in enumerate(chat):
        content = one.get("content")
        parts = content if isinstance(content, list) else [content]
        texts = [part.get("text") if isinstance(part, Mapping) else part for part in parts]
        shown = [part for part in texts if isinstance(part, str)]
        if not shown or len(shown) < len(texts):
            findings.leave(f"{path}[{number}].content", "a model here is asked in text alone")
            return None
        messages.append(AskedMessage(str(one.get("role")), "\n".join(shown), f"{path}[{number}]"))
    return messages or None


def _can_ask(messages: Sequence[AskedMessage], test: PromptfooTest, findings: EvalFindings) -> bool:
    for message in messages:
        try:
            render_template(message.content, test.row)
        except TemplateError as error:
            findings.leave(message.path, f"{error} ({test.path})")
            return False
    return True


def _with_affixes(
    message: AskedMessage, tests: Sequence[PromptfooTest], findings: EvalFindings
) -> AskedMessage:
    """With the `prefix` and `suffix` of the options, where all tests have the same."""
    found = {(str(test.options.get("prefix") or ""), str(test.options.get("suffix") or ""))
             for test in tests}  # fmt: skip
    if not any(any(pair) for pair in found) or message.role != "user":
        return message
    if len(found) > 1:
        findings.leave("options.prefix", "it differs between tests. Write it into a variable")
        return message
    [(prefix, suffix)] = found
    return AskedMessage(message.role, f"{prefix}{message.content}{suffix}", message.path)

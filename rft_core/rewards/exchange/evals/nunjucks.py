"""Promptfoo's templates (Nunjucks), as far as they name a test's variables: `{{ country.name }}`.

Names with dots and brackets, and the filters below. A name that the test does not have would be
an empty text there; here it is a mistake, as are blocks, comments and calls, which are programs.
Source: https://mozilla.github.io/nunjucks/templating.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from rft_core.rewards.exchange.evals.eval_text import as_json_text
from rft_core.rewards.text.assertion_kinds import as_text
from rft_core.types import Row

FILTERS: dict[str, Callable[[Any], str]] = {
    "trim": lambda value: show(value).strip(),
    "upper": lambda value: show(value).upper(),
    "lower": lambda value: show(value).lower(),
    "dump": as_json_text,
    "safe": lambda value: show(value),  # noqa: PLW0108 -- it is defined below
}
_FIELD = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_PATH = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*|\[\d+\]|\[(?:'[^']*'|\"[^\"]*\")\])*")
_STEP = re.compile(r"\.?([A-Za-z_$][\w$]*)|\[(\d+)\]|\[['\"]([^'\"]*)['\"]\]")


class TemplateError(ValueError):
    """A template that cannot be filled in: what is wrong with it, and what to do."""


def render_template(text: str, row: Row) -> str:
    """The text with its fields filled in. Raises `TemplateError`."""
    check_template_text(text)
    return _FIELD.sub(lambda field: _fill_in(field[1].strip(), row), text)


def has_fields(text: str) -> bool:
    return "{{" in text or "{%" in text or "{#" in text


def check_template_text(text: str) -> None:
    """Raises `TemplateError` for what is more than a field."""
    for mark, name in (("{%", "a block"), ("{#", "a comment"), ("{{-", "a trimming field")):
        if mark in text:
            raise TemplateError(f"'{mark}' begins {name}: write the text out, with fields alone")
    for field in _FIELD.findall(text):
        _read(field.strip())


def list_roots(text: str) -> set[str]:
    """The variables that the fields name."""
    return {_PATH.match(_read(field.strip())[0])[0].split(".")[0].split("[")[0]  # type: ignore[index]
            for field in _FIELD.findall(text)}  # fmt: skip


def show(value: Any) -> str:
    """A value as a field shows it. Raises `TemplateError` for what has parts."""
    if isinstance(value, list | dict):
        raise TemplateError("it is a list or an object: name one of its values, or add '| dump'")
    return as_text(value)


def _read(expression: str) -> tuple[str, list[str]]:
    """Path and filters."""
    path, *filters = [part.strip() for part in expression.split("|")]
    if not _PATH.fullmatch(path):
        raise TemplateError(f"'{{{{ {expression:.60} }}}}' is more than a variable: write it out")
    unknown = [name for name in filters if name not in FILTERS]
    if unknown:
        known = ", ".join(FILTERS)
        raise TemplateError(f"there is no filter '{unknown[0]:.40}' here: use {known}")
    return path, filters


def _fill_in(expression: str, row: Row) -> str:
    path, filters = _read(expression)
    value: Any = row
    for name, index, quoted in _STEP.findall(path):
        try:
            value = value[int(index)] if index else value[name or quoted]
        except (KeyError, IndexError, TypeError):
            raise TemplateError(f"the test has no variable '{path}'") from None
    try:
        for filter_name in filters:
            value = FILTERS[filter_name](value)
        return show(value)
    except TemplateError as error:
        raise TemplateError(f"'{{{{ {expression} }}}}': {error}") from error

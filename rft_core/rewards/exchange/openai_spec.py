"""OpenAI's grader JSON as typed values, each mistake named by its path: `graders.style.reference`.

Only the shape is read here; `openai_graders.py` says what it means. What is known to OpenAI and not
used here stays in `model_extra`, so that it can be spoken of. Source:
https://platform.openai.com/docs/guides/graders
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from rft_core.errors import BadInputError
from rft_core.rewards.formula import formula_names
from rft_core.rewards.text.openai_text import METRICS, check_template

# Where the grader stands in the body of a fine-tuning job, in its method, and in a trial run.
AS_SENT = "Paste the grader as it is sent to OpenAI, as JSON"
WRAPPERS = (("method", "reinforcement", "grader"), ("reinforcement", "grader"), ("grader",))


def _checked_template(text: str) -> str:
    try:
        check_template(text)
    except BadInputError as error:
        raise ValueError(str(error)) from error
    return text


def _joined_text(content: Any) -> Any:
    """OpenAI's content: a text, a part with a text, or a list of either."""
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, Mapping) else part for part in parts]
    shown = [text for text in texts if isinstance(text, str)]
    if len(shown) < len(texts):
        raise ValueError("a judge can be shown text only")
    return "\n".join(shown)


def _known_metric(metric: str) -> str:
    if metric not in METRICS:
        raise ValueError(f"'{metric}' is not measured here; use {', '.join(METRICS)}")
    return metric


def _grading_source(source: str) -> str:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ValueError(f"line {error.lineno} is no Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"this cannot be read as Python: {error}") from error
    if not defines_grade(tree):
        raise ValueError("it defines no function grade(sample, item)")
    return source


def defines_grade(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.FunctionDef) and node.name == "grade" for node in tree.body)


Template = Annotated[str, AfterValidator(_checked_template)]


class _Spec(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = ""


class StringCheck(_Spec):
    type: Literal["string_check"]
    input: Template
    reference: Template
    operation: Literal["eq", "ne", "like", "ilike"]


class TextSimilarity(_Spec):
    type: Literal["text_similarity"]
    input: Template
    reference: Template
    evaluation_metric: Annotated[str, AfterValidator(_known_metric)]


class PythonGrader(_Spec):
    type: Literal["python"]
    source: Annotated[str, AfterValidator(_grading_source)]


class Message(BaseModel):
    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[Template, BeforeValidator(_joined_text)]


class ScoreModel(_Spec):
    type: Literal["score_model"]
    model: Annotated[str, Field(min_length=1)]
    input: Annotated[list[Message], Field(min_length=1)]
    range: tuple[float, float] = (0.0, 1.0)


class LabelModel(_Spec):
    type: Literal["label_model"]
    model: Annotated[str, Field(min_length=1)]
    input: Annotated[list[Message], Field(min_length=1)]
    labels: Annotated[list[str], Field(min_length=1)]
    passing_labels: list[str]

    @model_validator(mode="after")
    def _passes_what_it_knows(self) -> LabelModel:
        unknown = [label for label in self.passing_labels if label not in self.labels]
        if unknown:
            raise ValueError(f"'{unknown[0]}' passes and is not among the labels")
        return self


class Multi(_Spec):
    type: Literal["multi"]
    graders: Annotated[dict[str, Any], Field(min_length=1)]
    calculate_output: str

    @model_validator(mode="after")
    def _computes_from_its_graders(self) -> Multi:
        try:
            unknown = sorted(formula_names(self.calculate_output) - set(self.graders))
        except BadInputError as error:
            raise ValueError(str(error)) from error
        if unknown:
            raise ValueError(f"calculate_output names '{unknown[0]}', which is no grader here")
        return self


Spec = TypeVar("Spec", bound=_Spec)
Leaf = StringCheck | TextSimilarity | PythonGrader | ScoreModel | LabelModel
_LEAVES: dict[str, type[Leaf]] = {
    "string_check": StringCheck,
    "text_similarity": TextSimilarity,
    "python": PythonGrader,
    "score_model": ScoreModel,
    "label_model": LabelModel,
}


@dataclass(frozen=True)
class GraderFile:
    """One grader, or a `multi` with its graders. `paths` says where each stands in the JSON.

    `path`: where the grader itself stands.
    """

    name: str
    leaves: Mapping[str, Leaf]
    paths: Mapping[str, str]
    multi: Multi | None = None
    path: str = ""


def read_grader(text: str) -> GraderFile:
    """Raises one `BadInputError` that names every mistake by its path."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadInputError("This is not JSON", f"{error.msg} at {where}", AS_SENT) from error
    except (ValueError, RecursionError) as error:
        raise BadInputError("This is not JSON", str(error), AS_SENT) from error
    spec, path = _unwrap(value)
    mistakes: list[str] = []
    file = read_spec(spec, path, mistakes)
    if mistakes or file is None:
        raise BadInputError("This grader cannot be imported", "; ".join(mistakes), AS_SENT)
    return file


def read_spec(spec: Any, path: str, mistakes: list[str]) -> GraderFile | None:
    """The grader that stands at `path`; None where it has mistakes, which are added."""
    before = len(mistakes)
    if isinstance(spec, Mapping) and spec.get("type") == "multi":
        multi = _read(Multi, spec, path, mistakes)
        own = spec.get("graders")
        wanted = own if isinstance(own, Mapping) else {}
        paths = {name: _join(path, "graders", name) for name in wanted}
        leaves = {n: _read_leaf(leaf, paths[n], mistakes) for n, leaf in wanted.items()}
    else:
        multi, paths = None, {"": path}
        leaves = {"": _read_leaf(spec, path, mistakes)}
    if len(mistakes) > before:
        return None
    read = {name: leaf for name, leaf in leaves.items() if leaf is not None}
    name = multi.name if multi else read[""].name
    return GraderFile(name, read, paths, multi, path)


def _unwrap(value: Any) -> tuple[Any, str]:
    """The grader itself, and the path to it."""
    is_wrapped = isinstance(value, Mapping) and value.get("type", "") in ("", "reinforcement")
    for wrapper in WRAPPERS if is_wrapped else ():
        inner: Any = value
        for key in wrapper:
            inner = inner.get(key) if isinstance(inner, Mapping) else None
        if inner is not None:
            return inner, ".".join(wrapper)
    return value, ""


def _read_leaf(spec: Any, path: str, mistakes: list[str]) -> Leaf | None:
    if not isinstance(spec, Mapping):
        mistakes.append(f"{_join(path) or 'the file'}: a grader is an object with a 'type'")
        return None
    kind = spec.get("type")
    if not isinstance(kind, str) or kind not in _LEAVES:
        known = ", ".join([*_LEAVES, *([] if "graders." in path else ["multi"])])
        mistakes.append(f"{_join(path, 'type')}: {kind!r} is not one of {known}")
        return None
    return _read(_LEAVES[kind], spec, path, mistakes)


def _read(
    model: type[Spec], spec: Mapping[str, Any], path: str, mistakes: list[str]
) -> Spec | None:
    try:
        return model.model_validate(spec)
    except ValidationError as error:
        for detail in error.errors():
            missing = detail["type"] == "missing"
            message = "is missing" if missing else detail["msg"].removeprefix("Value error, ")
            where = _join(path, *detail["loc"])
            mistakes.append(f"{where}: {message}" if where else message)
        return None


def _join(path: str, *parts: object) -> str:
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path

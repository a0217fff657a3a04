"""OpenAI's grader JSON in and out: a grader or `multi` becomes a reward set, and back again.

| OpenAI            | here                                                                    |
|-------------------|-------------------------------------------------------------------------|
| `string_check`    | grader `string_check`                                                   |
| `text_similarity` | grader `text_similarity` (not `cosine` and `meteor`, which need models) |
| `python`          | Python entry: its `grade(sample, item)` with an adapter below it        |
| `score_model`     | grader `judge` with its messages, in the judge's own range              |
| `label_model`     | grader `judge` with labels                                              |
| `multi`           | its graders with weight 0, and a `formula` with weight 1                |

Judges ask the endpoint given at import. What cannot be carried over is refused by name, in both
directions: a grader that means something else would be worse than none.
Source: https://platform.openai.com/docs/guides/graders
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from rft_core.errors import BadInputError
from rft_core.rewards.composition import check_reward_set
from rft_core.rewards.contract import PYTHON_GRADER, RewardEntry, RewardSet
from rft_core.rewards.formula import formula_names
from rft_core.rewards.openai_text import METRICS, OUTPUT, check_template

OPENAI_URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
ADAPTER_MARK = "\n\n# --- from here on: how RFT Studio calls grade(sample, item) ---\n"
_ADAPTER = """
def {function}(completions, log_extra=None, **columns):
    import json

    own = {{"prompts", "completion_ids", "trainer_state", "log_metric"}}
    names = [name for name in columns if name not in own]
    scores = []
    for index, text in enumerate(completions):
        item = {{name: columns[name][index] for name in names}}
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            parsed = None
        score = grade({{"output_text": text, "output_json": parsed, "choices": []}}, item)
        scores.append(float(score) if isinstance(score, bool) else score)
    return scores
"""
_EXPORTED = '''


def grade(sample, item):
    """TRL's reward function, called for one sample."""
    import inspect

    keywords = {{name: [value] for name, value in item.items()}}
    keywords |= {{"completions": [sample["output_text"]], "prompts": [[]], "completion_ids": [[]]}}
    keywords |= {{"trainer_state": None, "log_extra": print, "log_metric": print}}
    parameters = inspect.signature({function}).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        keywords = {{name: keywords[name] for name in parameters if name in keywords}}
    [score] = {function}(**keywords)
    return 0.0 if score is None else float(score)
'''


def import_grader(
    text: str, *, base_url: str = OPENAI_URL, key_variable: str = KEY_VARIABLE
) -> RewardSet:
    """The reward set that grades like this JSON. Raises `BadInputError`."""
    try:
        spec = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInputError("This is not JSON", str(error)) from error
    if not isinstance(spec, dict):
        raise BadInputError("A grader is a JSON object with a 'type'")
    endpoint = {"base_url": base_url, "key_variable": key_variable}
    title = str(spec.get("name") or spec.get("type") or "grader")
    try:
        entries = (
            _import_multi(spec, endpoint)
            if spec.get("type") == "multi"
            else (_import_one(spec, _identifier(title), 1.0, endpoint),)
        )
    except KeyError as error:
        raise BadInputError(f"The grader '{title}' has no {error}") from error
    rewards = RewardSet(tuple(entries), title)
    check_reward_set(rewards)
    return rewards


def export_graders(rewards: RewardSet) -> str:
    """The set as OpenAI grader JSON: its only grader, or a `multi`. Raises `BadInputError`."""
    formulas = [entry for entry in rewards.entries if entry.grader == "formula"]
    leaves = [entry for entry in rewards.entries if entry.grader != "formula"]
    for entry in rewards.entries:
        if entry.shaping:
            raise _cannot_export(entry, "its score is gated, bounded or ranked")
        if not entry.name.isidentifier():
            raise _cannot_export(entry, "its name cannot stand in a formula; rename it")
    if len(leaves) == 1 and not formulas and leaves[0].weight == 1:
        return json.dumps(_export_one(leaves[0]), indent=2, ensure_ascii=False)
    graders = {entry.name: _export_one(entry) for entry in leaves}
    sums = []
    for entry in rewards.entries:
        value = f"({entry.options['expression']})" if entry.grader == "formula" else entry.name
        if entry.weight:
            sums.append(value if entry.weight == 1 else f"{entry.weight:g} * {value}")
    output = " + ".join(sums) or "0"
    if len(sums) == 1 and output.startswith("(") and output.endswith(")"):
        output = output[1:-1]
    spec = {"type": "multi", "name": rewards.name or "rewards", "graders": graders,
            "calculate_output": output}  # fmt: skip
    return json.dumps(spec, indent=2, ensure_ascii=False)


def _import_multi(spec: Mapping[str, Any], endpoint: Mapping[str, str]) -> list[RewardEntry]:
    graders = spec["graders"]
    if not isinstance(graders, Mapping) or not graders:
        raise BadInputError("The multi grader holds no graders")
    expression = str(spec["calculate_output"])
    unknown = sorted(formula_names(expression) - set(graders))
    if unknown:
        raise BadInputError(f"'calculate_output' names '{unknown[0]}', which is no grader here")
    entries = [_import_one(leaf, name, 0.0, endpoint) for name, leaf in graders.items()]
    total = _identifier(str(spec.get("name") or "total"))
    while total in graders:
        total += "_total"
    return [*entries, RewardEntry(total, "formula", 1.0, {"expression": expression})]


def _import_one(spec: Any, name: str, weight: float, endpoint: Mapping[str, str]) -> RewardEntry:
    kind = spec.get("type") if isinstance(spec, Mapping) else None
    if kind == "python":
        return _import_python(spec["source"], name, weight)
    if kind == "string_check":
        options = {key: spec[key] for key in ("input", "reference", "operation")}
        return RewardEntry(name, "string_check", weight, options)
    if kind == "text_similarity":
        metric = spec["evaluation_metric"]
        if metric not in METRICS:
            raise BadInputError(
                f"'{name}' uses '{metric}', which needs a model", "", f"Use {', '.join(METRICS)}"
            )
        options = {"input": spec["input"], "reference": spec["reference"], "metric": metric}
        return RewardEntry(name, "text_similarity", weight, options)
    if kind in ("score_model", "label_model"):
        return RewardEntry(name, "judge", weight, {**endpoint, **_import_model(spec, name)})
    raise BadInputError(f"'{name}' is a grader of type '{kind}', which is not known here")


def _import_python(source: str, name: str, weight: float) -> RewardEntry:
    """The adapter is named after the entry, unless the source has that name itself."""
    taken = name == "grade" or re.search(rf"\b{re.escape(name)}\b", source)
    function = f"rft_{name}" if taken else name
    options = {"function": function} if taken else {}
    adapted = source + ADAPTER_MARK + _ADAPTER.format(function=function)
    return RewardEntry(name, PYTHON_GRADER, weight, options, adapted)


def _import_model(spec: Mapping[str, Any], name: str) -> dict[str, Any]:
    messages = [
        {"role": message["role"].replace("developer", "system"), "content": _text_of(message, name)}
        for message in spec["input"]
    ]
    for message in messages:
        check_template(message["content"])
    options: dict[str, Any] = {
        "model": spec["model"], "messages": json.dumps(messages), "column": "", "raw": True,
    }  # fmt: skip
    if spec["type"] == "label_model":
        if not set(spec["passing_labels"]) <= set(spec["labels"]):
            raise BadInputError(f"'{name}' passes a label that is not among its labels")
        return options | {
            "labels": json.dumps(spec["labels"]),
            "passing_labels": json.dumps(spec["passing_labels"]),
        }
    low, high = spec.get("range") or (0, 1)
    return options | {"minimum": float(low), "maximum": float(high)}


def _text_of(message: Mapping[str, Any], name: str) -> str:
    content = message["content"]
    parts: Sequence[Any] = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, Mapping) else part for part in parts]
    shown = [text for text in texts if isinstance(text, str)]
    if len(shown) < len(texts):
        raise BadInputError(f"'{name}' shows its judge something that is not text")
    return "\n".join(shown)


def _export_one(entry: RewardEntry) -> dict[str, Any]:
    options = dict(entry.options)
    if entry.grader == PYTHON_GRADER:
        source, mark, _ = (entry.source or "").partition(ADAPTER_MARK)
        if not mark:
            source += _EXPORTED.format(function=entry.function)
        return {"type": "python", "name": entry.name, "source": source}
    if entry.grader == "string_check":
        defaults = {"input": OUTPUT, "reference": "", "operation": "eq"}
        return {"type": "string_check", "name": entry.name, **defaults, **options}
    if entry.grader == "text_similarity":
        metric = options.pop("metric", "fuzzy_match")
        defaults = {"input": OUTPUT, "reference": ""}
        return {"type": "text_similarity", "name": entry.name, "evaluation_metric": metric,
                **defaults, **options}  # fmt: skip
    if entry.grader == "exact_match" and options.get("extraction") == "whole":
        reference = f"{{{{ item.{options.get('column', 'answer')} }}}}"
        if not options.get("ignore_case"):
            return {"type": "string_check", "name": entry.name, "input": OUTPUT,
                    "reference": reference, "operation": "eq"}  # fmt: skip
    if entry.grader == "judge" and options.get("messages") and options.get("raw"):
        return _export_model(entry.name, options)
    raise _cannot_export(entry, f"OpenAI has nothing like '{entry.grader}' with these options")


def _export_model(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    spec = {"name": name, "model": options["model"], "input": json.loads(options["messages"])}
    if options.get("labels"):
        return {"type": "label_model", **spec, "labels": json.loads(options["labels"]),
                "passing_labels": json.loads(options["passing_labels"])}  # fmt: skip
    bounds = [options.get("minimum", 0.0), options.get("maximum", 10.0)]
    return {"type": "score_model", **spec, "range": bounds}


def _identifier(title: str) -> str:
    name = re.sub(r"\W+", "_", title).strip("_")
    return name if name.isidentifier() else f"grader_{name}".rstrip("_")


def _cannot_export(entry: RewardEntry, why: str) -> BadInputError:
    return BadInputError(f"The reward '{entry.name}' cannot be exported", why)

"""JSON by schema: strict about where and what, partial where asked, never hung by a pattern."""

import json

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardEntry, RewardSet, Scored
from rft_core.rewards.scorer import Scorer
from tests.rewards.scoring_cases import make_batch

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "age": {"type": "integer", "minimum": 0},
        "mail": {"type": "string", "pattern": "^[^@]+@[^@]+$"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "age", "mail", "tags"],
    "additionalProperties": False,
}
GOOD = '{"name": "Ann", "age": 31, "mail": "a@b.c", "tags": ["x"]}'


def score(
    *texts: str, schema=PERSON, extraction="whole", in_row=False, timeout=20, **options
) -> list[Scored]:
    options = {"extraction": extraction, **options}
    rows = [{"schema": schema}] * len(texts) if in_row else None
    if not in_row:
        options["schema"] = json.dumps(schema)
    with Scorer(
        RewardSet((RewardEntry("s", "schema", options=options),)), timeout=timeout
    ) as scorer:
        return list(scorer.score(make_batch(*texts, rows=rows)).samples)


def test_honest_json_earns_full_in_any_layout():
    pretty = json.dumps(json.loads(GOOD), indent=4)
    assert [s.reward for s in score(GOOD, pretty, f"\n {GOOD}\n")] == [1.0, 1.0, 1.0]
    answers = (GOOD, f"```json\n{GOOD}\n```")
    tagged, fenced = score(
        *(f"<think>hm {{}}</think><answer>\n{answer}\n</answer>" for answer in answers),
        extraction="answer_tag",
    )
    plain, marked = score(
        f"Here:\n```\n{GOOD}\n```", f"```json\n{GOOD}\n```\nDone.", extraction="fenced"
    )
    assert [s.reward for s in (tagged, fenced, plain, marked)] == [1.0] * 4


@pytest.mark.parametrize("schema", [PERSON, json.dumps(PERSON)])
def test_the_schema_may_stand_in_the_row(schema):
    assert score(GOOD, schema=schema, in_row=True)[0].reward == 1.0


def test_what_is_not_strictly_json_earns_nothing():
    cheats = [
        "", "{}", "[]", "null", '"' + GOOD + '"', GOOD + GOOD, f"Here it is: {GOOD}", GOOD + " //",
        GOOD.replace('"age": 31', '"age": NaN'), GOOD.replace("31", "true"),
        GOOD.replace("31", '"31"'), GOOD[:-1] + ', "age": -5}', GOOD[:-1] + ', "admin": true}',
        GOOD.replace('"name"', "'name'"), "[" * 5000, "1" * 5000, "9" * 101_000,
    ]  # fmt: skip
    assert [s.reward for s in score(*cheats)] == [0.0] * len(cheats)


def test_two_blocks_are_no_block():
    [sample] = score(f"```\n{{}}\n```\n```\n{GOOD}\n```", extraction="fenced")
    [tags] = score(f"<answer>{GOOD}</answer>" * 2, extraction="answer_tag")
    assert (sample.reward, tags.reward) == (0.0, 0.0)


def test_partial_credit_is_the_share_of_parts_that_are_right():
    no_mail = GOOD.replace("a@b.c", "nobody")
    no_two = '{"name": "Ann", "age": 31}'
    bad_items = GOOD.replace('["x"]', "[1, 2, 3]")
    extra = GOOD[:-1] + "".join(f', "x{i}": 1' for i in range(10)) + "}"
    texts = (GOOD, no_mail, no_two, bad_items, extra, "{}", "[]", "7")
    rewards = [s.reward for s in score(*texts, partial=True)]
    assert rewards == [1.0, 0.75, 0.5, 0.75, 0.0, 0.0, 0.0, 0.0]


def test_a_pattern_that_never_ends_is_unscored_and_harms_no_other():
    slow = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    bad, good = score('{"a": "' + "a" * 400 + '!"}', '{"a": "aa"}', schema=slow)  # 2**400 steps
    assert (bad.reward, bad.flags) == (None, ("slow_pattern",))
    assert good.reward == 1.0


def test_slow_texts_take_no_time_from_those_that_come_after_them():
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    slow = '{"a": "' + "a" * 40 + '!"}'
    *bad, good = score(*[slow] * 7, '{"a": "aa"}', schema=schema, timeout=2.5)
    assert {sample.flags for sample in bad} == {("slow_pattern",)}
    assert good.reward == 1.0


def test_a_schema_that_cannot_be_used_is_the_rows_fault():
    for schema in ({"type": "nonsense"}, "{", "", None, {"$ref": "http://127.0.0.1:9/x"}):
        assert score(GOOD, schema=schema, in_row=True)[0].reward is None
    with pytest.raises(BadInputError, match="schema"):
        score(GOOD, schema={"type": "nonsense"})


def test_references_inside_the_schema_work():
    schema = {"$defs": {"n": {"type": "integer"}}, "type": "array", "items": {"$ref": "#/$defs/n"}}
    good, bad = score("[1, 2]", '["1"]', schema=schema)
    assert (good.reward, bad.reward) == (1.0, 0.0)

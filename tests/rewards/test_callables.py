"""Reward functions of every kind that trainers take: instances, lambdas, partials, verl's."""

import ast

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.contract import PYTHON_GRADER, RewardEntry, RewardSet
from rft_core.rewards.exchange.trl_module import write_module
from rft_core.rewards.python_source import inspect_source, reward_set_from_source
from rft_core.rewards.scorer import Scorer
from rft_core.rewards.source_functions import list_reward_functions
from tests.rewards.scoring_cases import make_batch

CLASS = """
class Longer:
    def __init__(self, than=2): self.than = than
    def __call__(self, completions, **columns): return [len(c) > self.than for c in completions]
"""
NEEDY = CLASS.replace("than=2", "than")
FACTORY = """
def longer_than(count):
    def reward(completions, **columns): return [float(len(c) > count) for c in completions]
    return reward
"""
SOURCES = {
    "a class": (CLASS, ["Longer"]),
    "an instance": (CLASS + "longer = Longer(2)", ["longer"]),
    "an instance with a needed argument": (NEEDY + "longer: object = Longer(2)", ["longer"]),
    "an instance of a private class": (
        CLASS.replace("Longer", "_Longer") + "longer = _Longer()", ["longer"]
    ),
    "a class of another": (CLASS + "class Other(Longer): pass", ["Other"]),
    "a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass Longer:\n    than: int = 2\n"
        "    def __call__(self, completions): return [len(c) > self.than for c in completions]",
        ["Longer"],
    ),
    "an async class": (
        "class Longer:\n    async def __call__(self, completions, **k):\n"
        "        return [len(c) > 2 for c in completions]",
        ["Longer"],
    ),
    "a lambda": ("longer = lambda completions, **k: [len(c) > 2 for c in completions]", ["longer"]),
    "a partial": (
        "from functools import partial\n"
        "def base(completions, than, **k): return [len(c) > than for c in completions]\n"
        "longer = partial(base, than=2)", ["longer"],
    ),
    "a partial whose argument is a column's name too": (
        "import functools\n"
        "def base(completions, target, **k): return [len(c) > target for c in completions]\n"
        "longer = functools.partial(base, target=2)", ["longer"],
    ),
    "a factory": (FACTORY + "longer = longer_than(2)", ["longer"]),
    "a factory that takes any keyword": (
        FACTORY.replace("(count)", "(count, **more)") + "longer = longer_than(2)", ["longer"]
    ),
    "a private function under a name": (
        "def _f(completions): return [len(c) > 2 for c in completions]\nlonger = _f", ["longer"]
    ),
    "functions that are listed": (
        "def helper(texts, **k): return texts\n" + CLASS + "short = Longer(5)\nlonger = Longer(2)\n"
        "reward_funcs = [longer]", ["longer"],
    ),
    "imported and listed": (
        "from operator import length_hint\ndef f(completions, **k): return [1.0, 0.0]\n"
        "REWARD_FUNCS = (f,)", ["f"],
    ),
    "verl's": (
        "def compute_score(data_source, solution_str, ground_truth, extra_info=None):\n"
        "    return float(len(solution_str) > 2)", ["compute_score"],
    ),
    "an instance of verl's": (
        "class Score:\n    def __call__(self, solution_str, **k): return len(solution_str) > 2\n"
        "score = Score()", ["score"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "names"), SOURCES.values(), ids=SOURCES)
def test_callables_of_every_kind_are_found_and_score(source, names):
    rewards = reward_set_from_source(source)
    assert list(rewards.names) == names
    with Scorer(rewards, timeout=5) as scorer:
        scoring = scorer.score(make_batch("long", "x", rows=[{"target": 9, "answer": "1"}] * 2))
    assert scoring.reports[0].error is None
    assert [sample.scores[names[0]] for sample in scoring.samples] == [1.0, 0.0]


NONE = {
    "a class without __call__": "class Longer:\n    def score(self, completions): return []",
    "a class whose call takes something else": "class A:\n    def __call__(self, text): return 1",
    "a class that needs arguments": NEEDY,
    "a dataclass with a field to fill": (
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    than: int\n"
        "    def __call__(self, completions): return []"
    ),
    "a factory alone": FACTORY,
    "a lambda of something else": "f = lambda text: 1.0",
    "a private instance": CLASS.replace("Longer", "_A") + "_a = _A()",
    "a constant": "WEIGHTS = {}\nlimit = int('3')",
    "OpenAI's grade": "def grade(sample, item, **k): return 1.0",
    "imported functions of others": "from os.path import join\nfrom json import loads",
}


@pytest.mark.parametrize("source", NONE.values(), ids=NONE)
def test_what_is_no_reward_function_is_none(source):
    assert list_reward_functions(ast.parse(source)) == ()
    assert "completions" in str(inspect_source(source).error)


def test_functions_of_trl_are_found_where_they_are_imported():
    source = (
        "from trl.rewards import think_format_reward, get_soft_overlong_punishment\n"
        "overlong = get_soft_overlong_punishment(max_completion_len=4, soft_punish_cache=2)\n"
    )
    rewards = reward_set_from_source(source)
    assert rewards.names == ("think_format_reward", "overlong")
    with Scorer(rewards, timeout=60) as scorer:
        texts = ("<think>a</think>b", "b")
        scoring = scorer.score(make_batch(*texts, completion_ids=[[1] * 9, [1]]))
    assert [r.error for r in scoring.reports] == [None, None]
    found = [tuple(sample.scores.values()) for sample in scoring.samples]
    assert found == [(1.0, -1.0), (0.0, 0.0)]


def test_a_class_is_made_once_and_keeps_what_it_counts():
    source = """
class Counter:
    def __init__(self): self.seen = 0
    def __call__(self, completions, **columns):
        self.seen += 1
        return [float(self.seen)] * len(completions)
"""
    with Scorer(reward_set_from_source(source), timeout=5) as scorer:
        found = [scorer.score(make_batch("a")).samples[0].reward for _ in range(3)]
    assert found == [1.0, 2.0, 3.0]


def test_an_instance_may_read_messages_and_be_of_no_hash():
    source = """
class Reads:
    __hash__ = None
    def __call__(self, completions, **columns): return [len(c[0]["content"]) for c in completions]
reads = Reads()
"""
    with Scorer(reward_set_from_source(source), timeout=5) as scorer:
        scoring = scorer.score(make_batch("abc", "de"))
    assert [sample.reward for sample in scoring.samples] == [3.0, 2.0]


VERL = """
def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    {body}
"""
ROWS = {
    "columns": {"data_source": "gsm8k", "ground_truth": "7", "extra_info": {"index": 3}},
    "nested": {"data_source": "gsm8k", "reward_model": {"style": "rule", "ground_truth": "7"},
               "extra_info": {"index": 3}},
    "nested as JSON": {"data_source": "gsm8k", "reward_model": '{"ground_truth": "7"}',
                       "extra_info": '{"index": 3}'},
    "imported": {"data_source": "gsm8k", "answer": "7", "index": 3},
}  # fmt: skip


def score_verl(body, *rows, source=VERL, name="compute_score"):
    entry = RewardEntry(name, PYTHON_GRADER, source=source.format(body=body))
    with Scorer(RewardSet((entry,)), timeout=5) as scorer:
        scoring = scorer.score(make_batch(*["7"] * len(rows), rows=list(rows)))
    return [sample.scores[name] for sample in scoring.samples], scoring.reports[0]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_verls_function_finds_its_columns(row):
    body = "return [data_source, solution_str, ground_truth, extra_info['index']] == "
    found, report = score_verl(body + "['gsm8k', '7', '7', 3]", row, row)
    assert report.error is None and found == [1.0, 1.0]


def test_verls_function_may_say_more_than_a_score():
    body = "return {'score': float(solution_str == ground_truth), 'pred': solution_str}"
    source = VERL.format(body=body.replace("{", "{{").replace("}", "}}"))
    found, report = score_verl("", {"answer": "7"}, {"answer": "8"}, source=source)
    assert found == [1.0, 0.0] and report.extras["pred"] == ["7", "7"]


def test_verls_batched_function_gets_lists():
    source = """
def compute_score(data_sources, solution_strs, ground_truths, extra_infos, **kwargs):
    assert data_sources == ["", ""] and extra_infos[1] == {{"answer": "8"}}
    return [float(s == g) for s, g in zip(solution_strs, ground_truths)]
"""
    assert score_verl("", {"answer": "7"}, {"answer": "8"}, source=source)[0] == [1.0, 0.0]


def test_a_completion_that_verls_function_fails_on_is_named_and_the_others_are_scored():
    found, report = score_verl("return 1 / int(ground_truth)", {"answer": "2"}, {"answer": "0"})
    assert found == [0.5, None] and report.error_sample == 1 and "ZeroDivisionError" in report.error


def test_rows_without_a_gold_are_named_with_their_columns_unless_none_is_needed():
    _, report = score_verl("return 1.0", {"question": "a?", "level": 3})
    assert "its columns are level, question" in report.error and "'answer'" in report.error
    optional = VERL.replace("ground_truth,", "ground_truth=None,")
    assert score_verl("return ground_truth is None", {"level": 3}, source=optional)[0] == [1.0]


def test_a_parameter_that_is_no_column_is_named():
    source = "def compute_score(solution_str, method): return {body}"
    _, report = score_verl("1.0", {"answer": "7"}, source=source)
    assert "it asks for 'method', which no row has" in report.error


def test_a_verl_dict_without_a_score_is_no_score():
    found, report = score_verl("return dict(acc=1.0)", {"answer": "7"})
    assert found == [None] and report.error_kind == "not_a_number"


@pytest.mark.parametrize(
    "source", [CLASS, VERL.format(body="return 1.0"), "f = lambda completions: [1.0]"]
)
def test_what_is_no_plain_function_is_refused_by_the_module_export_with_the_cure(source):
    with pytest.raises(BadInputError, match="write one that calls it"):
        write_module(reward_set_from_source(source))
    plain = "def f(completions, **k): return [1.0] * len(completions)"
    assert "def f(" in write_module(reward_set_from_source(plain))

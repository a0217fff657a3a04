"""The texts that a preflight keeps: the best and the worst, each once, and how they are stored."""

import json

import pytest

from rft_core.diagnosis.preflight.examples import BestAndWorst, pick_examples
from rft_core.diagnosis.preflight.report import Preflight, read_preflight, write_preflight
from tests.diagnosis.dry_run_cases import make_tried


def named(examples: BestAndWorst) -> list[list[str]]:
    return [[example.completion for example in part] for part in (examples.best, examples.worst)]


def test_three_of_each_are_picked_best_first_and_what_was_not_judged_is_worst_of_all() -> None:
    tried = make_tried([0.5, 1.0, None, 0.0, 0.25, 0.75, 0.1, 0.9], 4, lengths=[9] * 8)
    picked = pick_examples(tried)
    assert named(picked) == [["text 1", "text 7", "text 5"], ["text 6", "text 3", "text 2"]]
    assert [example.request for example in picked.best] == ["0", "1", "1"]
    assert [example.reward for example in picked.worst] == [0.1, 0.0, None]
    assert (picked.best[0].scores, picked.best[0].num_tokens) == ({"f": 1.0}, 9)


@pytest.mark.parametrize("count", [1, 3, 4, 6])
def test_none_is_shown_twice_where_there_are_few(count: int) -> None:
    best, worst = named(pick_examples(make_tried([0.5] * count, 1, lengths=[1] * count)))
    assert len(best) == min(count, 3) and len({*best, *worst}) == len(best) + len(worst) == count


def test_they_are_read_as_they_were_written_and_a_report_without_them_still_opens() -> None:
    tried = make_tried([1.0, None], 2, texts=["x\n天", ""], lengths=[3, 0])
    examples = pick_examples(tried)
    text = write_preflight(Preflight((), 0.0, 1.0, 0.0, None, None, None, (), examples))
    found = read_preflight(text)
    assert found is not None and found.examples == examples
    before = json.loads(text)
    del before["examples"]
    old = read_preflight(json.dumps(before))
    assert old is not None and not old.examples


def test_half_of_a_surrogate_pair_is_kept_as_a_question_mark() -> None:
    examples = pick_examples(make_tried([1.0], 1, texts=["a\ud800"], lengths=[2]))
    verdict = Preflight((), 1.0, 1.0, 0.0, None, None, None, (), examples)
    assert named(examples) == [["a?"], []] and "a?" in write_preflight(verdict)

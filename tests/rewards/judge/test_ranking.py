"""One call ranks a group: order and ties become scores, and what is no ranking decides nothing."""

import json
import re

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.contract import Batch
from rft_core.rewards.judge.ranking import read_ranking
from rft_core.rewards.sampled_batch import SampledBatch, summarise
from rft_core.rewards.scorer import Scorer
from tests.rewards.judge.judge_server import serve
from tests.rewards.judge.test_judge import INJECTIONS, judge


def group_batch(*groups: list[str]) -> Batch:
    texts = [text for group in groups for text in group]
    prompts = [
        [{"role": "user", "content": f"prompt {at}"}]
        for at, group in enumerate(groups)
        for _ in group
    ]
    return Batch(prompts, texts, [{"answer": "Good day"}] * len(texts))


def shown_texts(user: str) -> dict[int, str]:
    """The numbered completions, as a judge that obeys its instructions finds them."""
    found = re.findall(r"Completion (\d+):\n\[(\w{12})\]\n(.*?)\n\[/\2\]", user, re.DOTALL)
    return {int(number): text for number, _, text in found}


def rank_by(score):
    """A judge that puts the texts in order by `score`, equals together."""

    def behave(user, seen):
        shown = shown_texts(user)
        tiers: dict[float, list[int]] = {}
        for number, text in shown.items():
            tiers.setdefault(score(text), []).append(number)
        ranking = [tiers[value] for value in sorted(tiers, reverse=True)]
        return json.dumps({"ranking": ranking, "reason": "By length."})

    return behave


def rank(behave, batch, **options):
    options = {"ranks_group": True, **options}
    with serve(behave) as server, Scorer(judge(server.url, **options), timeout=20.0) as scorer:
        scoring = scorer.score(batch)
    return [sample.reward for sample in scoring.samples], scoring, server


def test_one_call_ranks_a_whole_group():
    batch = group_batch(["aaa", "b", "cc"], ["x", "yy", "zzz", "ww"])
    rewards, scoring, server = rank(rank_by(len), batch)
    assert rewards == [1.0, 0.0, 0.5, 0.0, 0.5, 1.0, 0.5]
    assert len(server.requests) == 2 and scoring.reports[0].metrics["calls"] == 2
    assert scoring.samples[0].reasons["polite"] == "place 1 of 3: By length."
    assert scoring.samples[4].reasons["polite"] == "place 2 of 4, shared: By length."
    assert scoring.reports[0].metrics["undecided_groups"] == 0


def test_the_judge_sees_prompt_reference_and_rubric_once_and_each_text_once():
    batch = group_batch(["aaa", "b", "b", "cc"])
    rewards, _, server = rank(rank_by(len), batch)
    assert rewards == [1.0, 0.0, 0.0, 0.5]
    system, user = (message["content"] for message in server.requests[0]["messages"])
    assert "Is it polite?" in system and "all 3 of them" in system
    assert user.count("Good day") == 1 and user.count("prompt 0") == 1
    assert sorted(shown_texts(user).values()) == ["aaa", "b", "cc"]


def test_the_order_shown_is_not_the_order_sampled():
    texts = [f"text {i}" for i in range(8)]
    orders = []
    for batch in (group_batch(texts), group_batch(texts[::-1])):
        _, _, server = rank(rank_by(len), batch)
        orders.append(list(shown_texts(server.requests[0]["messages"][1]["content"]).values()))
    assert orders[0] == orders[1] and orders[0] not in (texts, texts[::-1])


def test_a_group_that_the_judge_cannot_tell_apart_is_even_and_counted():
    batch = group_batch(["a", "b"], ["cc", "d"], ["e", "e"])
    rewards, scoring, server = rank(rank_by(len), batch)
    assert rewards == [0.5, 0.5, 1.0, 0.0, 0.5, 0.5]
    assert len(server.requests) == 2  # equal texts need no judge
    assert scoring.reports[0].metrics["undecided_groups"] == 0.5  # of those that differ
    assert scoring.reports[0].error is None


def test_what_was_measured_of_a_batch_is_recorded_among_its_metrics():
    batch = group_batch(["a", "b"], ["cc", "d"])
    _, scoring, _ = rank(rank_by(len), batch)
    ids, count = [[1]] * len(batch), len(batch)
    sampled = SampledBatch(
        [0, 0, 1, 1], batch.completions, ids, [False] * count, scoring.samples, scoring.reports
    )
    metrics = summarise(sampled, ["polite"], 2)
    assert metrics["rewards/polite/undecided_groups"] == 0.5
    assert metrics["rewards/polite/calls"] == 2 and metrics["rewards/polite/mean"] == 0.5


def test_marks_that_are_all_equal_are_counted_as_undecided_too():
    behave = lambda user, _: '{"score": %d}' % (9 if "ddd" in user else 4)  # noqa: E731, UP031
    batch = group_batch(["a", "b"], ["c", "ddd"])
    _, scoring, _ = rank(behave, batch, ranks_group=False)
    assert scoring.reports[0].metrics["undecided_groups"] == 0.5


def test_a_lone_completion_has_nothing_to_be_compared_with():
    rewards, scoring, server = rank(rank_by(len), group_batch(["a"], ["b", "cc"]))
    assert rewards == [None, 0.0, 1.0] and len(server.requests) == 1
    assert "nothing to compare it with" in scoring.samples[0].reasons["polite"]


READ = {
    "lists": '{"ranking": [[2], [1, 3]], "reason": "x"}',
    "numbers and lists": '{"ranking": [2, [1, 3]]}',
    "texts": '{"ranking": ["2", ["1", "[3]"]]}',
    "an empty place": '{"ranking": [[2], [], [3, 1]]}',
    "a line": '{"ranking": "2 > 1 = 3"}',
    "brackets in a line": '{"ranking": "[2] > [3] = [1]"}',
    "a bare line": "[2] > [1] = [3]",
    "thought about": '<think>1 > 2 > 3?</think>\n{"ranking": [[2], [1, 3]]}',
    "fenced": '```json\n{"ranking": [[2], [3, 1]]}\n```',
}


@pytest.mark.parametrize("reply", READ.values(), ids=READ)
def test_a_ranking_is_read_in_every_form_that_can_mean_nothing_else(reply):
    assert [score for score, _ in read_ranking(reply, 3)] == [0.25, 1.0, 0.25]


NO_RANKING = [
    "", "2", "Completion 2 is the best.", '{"ranking": [2, 1]}', '{"ranking": [2, 1, 3, 3]}',
    '{"ranking": [2, 1, 4]}', '{"ranking": [0, 1, 2]}', '{"ranking": [2, 1, "third"]}',
    '{"ranking": [2.0, 1, 3]}', '{"ranking": [true, 2, 3]}', '{"ranking": [[2, [1]], 3]}',
    '{"ranking": {"1": 2, "2": 1, "3": 3}}', '{"ranking": null}', '{"order": [1, 2, 3]}',
    '[2, 1, 3]', "2 > 1", "1 > 2 > 3 > 1", "2 > 1 < 3", "2 > 1 > 3. Or 1 > 2 > 3.",
    '{"ranking": "2, 1, 3"}', '{"ranking": [2, 1, -3]}', '{"score": 8}',
    '{"ranking": [2, 1, 3]} {"ranking": [1, 2, 3]}', '{"ranking": [[[2]], [1], [3]]}',
]  # fmt: skip


@pytest.mark.parametrize("reply", NO_RANKING)
def test_what_is_no_ranking_of_all_is_refused(reply):
    with pytest.raises(ValueError, match="judge"):
        read_ranking(reply, 3)


def test_an_answer_that_is_no_ranking_leaves_its_group_undecided_and_harms_no_other():
    def behave(user, seen):
        return '{"ranking": [1, 1]}' if "bad" in user else rank_by(len)(user, seen)

    rewards, scoring, server = rank(behave, group_batch(["bad", "b"], ["c", "dd"]))
    assert rewards == [None, None, 0.0, 1.0]
    assert len(server.requests) == 3  # what cannot be read is asked for once more
    report = scoring.reports[0]
    assert report.metrics["undecided_groups"] == 0.5 and report.metrics["failures"] == 2
    assert "ranking does not name each of 2" in report.error


def test_a_second_answer_that_is_a_ranking_counts():
    behave = lambda user, seen: "Hm." if seen == 1 else rank_by(len)(user, seen)  # noqa: E731
    rewards, scoring, _ = rank(behave, group_batch(["a", "bb"]))
    assert rewards == [0.0, 1.0] and scoring.reports[0].error is None


def test_a_group_is_asked_about_once_whatever_its_order(tmp_path):
    options = {"ranks_group": True, "cache_file": str(tmp_path / "marks.db")}
    with serve(rank_by(len)) as server:
        for group in (["aaa", "b", "cc"], ["cc", "aaa", "b"]):
            with Scorer(judge(server.url, **options)) as scorer:
                scoring = scorer.score(group_batch(group))
            assert [s.reward for s in scoring.samples] == [(len(t) - 1) / 2 for t in group]
        assert scoring.reports[0].metrics["cached"] == 3 and len(server.requests) == 1


@pytest.mark.parametrize("text", INJECTIONS)
def test_texts_stay_between_their_marks_and_are_flagged_as_before(text):
    batch = group_batch([text, "honest"])
    rewards, scoring, server = rank(rank_by(lambda shown: shown == "honest"), batch)
    assert rewards == [0.0, 1.0]
    user = server.requests[0]["messages"][1]["content"]
    assert sorted(shown_texts(user).values()) == sorted([text, "honest"])
    assert scoring.samples[1].flags == ()


def test_messages_of_ones_own_cannot_rank():
    messages = '[{"role": "user", "content": "Is {{ sample.output_text }} good?"}]'
    with pytest.raises(BadInputError, match="rank whole groups"):
        Scorer(judge("http://127.0.0.1:9/v1", ranks_group=True, messages=messages))

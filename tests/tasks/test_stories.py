"""Stories: their sums are true, their splits share no sum, and their mistakes are mistakes."""

import itertools
import random
import re
from dataclasses import replace

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.answers.matching import list_options
from rft_core.rewards.contract import Batch
from rft_core.rewards.scorer import Scorer
from rft_core.tasks.instructions import INSTRUCTIONS
from rft_core.tasks.splits import draw_different
from rft_core.tasks.stories.choices import choose_values
from rft_core.tasks.stories.generator import make_key, make_rows, sample_story
from rft_core.tasks.stories.kinds import KINDS
from rft_core.tasks.stories.mistakes import list_mistakes
from rft_core.tasks.stories.story import LARGEST_VALUE, read_calculation, tell
from rft_core.tasks.word_choices import WORD_PROBLEMS_CHOICE
from rft_core.tasks.word_problems import CALCULATION, WORD_PROBLEMS, WORD_PROBLEMS_PROGRAM

TASKS = [WORD_PROBLEMS, WORD_PROBLEMS_PROGRAM, WORD_PROBLEMS_CHOICE]
SPLITS = ("train", "validation", "held_out")
each_task = pytest.mark.parametrize("task", TASKS, ids=[task.name for task in TASKS])
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@each_kind
def test_a_kind_asks_in_two_ways_and_uses_every_number(kind):
    assert len(set(kind.questions)) >= 2
    used = {side for one in kind.calculations for side in (one.left, one.right)}
    named = [one.name for one in kind.calculations]
    assert set(kind.numbers) <= used
    assert set(named[:-1]) <= used and len(set(named)) == len(named)
    assert 1 <= len(named) <= 4
    for question in kind.questions:
        assert all(f"{{{letter}}}" in question for letter in kind.numbers)
    for text, sentence in kind.plan:
        assert f"{{{read_calculation(text).name}}}" in sentence


@each_kind
def test_told_stories_have_no_gaps_and_true_small_sums(kind):
    rng = random.Random(0)
    for _ in range(20):
        story = tell(kind, rng)
        steps = story.work_out()
        assert "{" not in story.question + "".join(step.plain() for step in steps)
        for step in steps:
            assert eval(step.term) == step.value  # noqa: S307 -- digits and one operator
            assert 0 < step.value <= LARGEST_VALUE
        assert str(story.answer) not in re.findall(r"\d+", story.question)


def test_stories_have_one_to_four_steps_and_every_kind_is_drawn():
    rows = make_rows("train", 1500, 0)
    assert {row["steps"] for row in rows} == {1, 2, 3, 4}
    assert {row["kind"] for row in rows} == set(KINDS)
    for row in rows:
        assert len(CALCULATION.findall(row["answer"])) == row["steps"]


@each_task
def test_rows_are_typed_distinct_and_reproducible(task):
    train, validation = task.load(300, 60, seed=1)
    rows = train + validation + task.held_out(60)
    assert len({row["question"] for row in rows}) == 420
    assert task.load(300, 60, seed=1) == (train, validation)
    assert task.load(80, 0, seed=1)[0] == train[:80]
    assert task.load(80, 0, seed=2)[0] != train[:80]
    for row in rows:
        task.check_row(row)


@each_task
def test_the_splits_share_no_sum_whatever_their_seeds(task):
    one, two, three = (
        {task.row_key(row) for seed in (1, 2) for row in task.make_rows(split, 100, seed)}
        for split in SPLITS
    )
    assert not (one & two or one & three or two & three)


def test_all_three_tasks_tell_the_same_stories():
    questions = [[row["question"] for row in task.load(50, 0, 3)[0]] for task in TASKS]
    assert questions[0] == questions[1] == questions[2]


@each_task
def test_the_gold_of_every_kind_earns_everything(task):
    rows = {row["kind"]: row for row in task.load(600, 0, 0)[0]}
    assert set(rows) == set(KINDS)
    task.validate(list(rows.values()))


def test_other_people_and_things_make_no_other_problem():
    rng = random.Random(0)
    one = tell(KINDS["change"], rng)
    key = make_key({"question": one.question, "kind": "change"})
    other = one.question.replace(one.words["name"], "Ola").replace(one.words["things"], "kites")
    assert make_key({"question": other, "kind": "change"}) == key
    assert make_key({"question": other}) == make_key({"question": f" {other.upper()}  "})


def test_more_rows_than_there_are_is_bad_input():
    questions = itertools.cycle(["one?", "two?", None])
    rows = [{"question": "one?"}, {"question": "two?"}]

    def draw():
        question = next(questions)
        return question and {"question": question}

    def draw_split(split, count):
        return draw_different(draw, split, count, column="question", key=lambda row: "the same")

    assert draw_split("train", 2) == rows
    with pytest.raises(BadInputError, match="2 were found"):
        draw_split("train", 3)
    assert len(draw_split("held_out", 1)) == 1
    with pytest.raises(BadInputError, match="1 were found"):
        draw_split("held_out", 2)


@pytest.mark.parametrize("task", [*TASKS, INSTRUCTIONS], ids=lambda task: task.name)
def test_no_problem_is_evaluated_twice_in_other_words(task):
    for split in ("validation", "held_out"):
        assert len({task.row_key(row) for row in task.make_rows(split, 200, 0)}) == 200


def test_mistakes_end_in_another_value_by_sums_that_are_true():
    rng = random.Random(4)
    sorts = set()
    for _ in range(200):
        story = sample_story(rng)
        for mistake in list_mistakes(story):
            assert mistake.value != story.answer
            assert all(eval(step.term) == step.value for step in mistake.steps)  # noqa: S307
            sorts.add(mistake.sort)
    assert sorts == {"a step left out", "a wrong operation", "a wrong number"}


def test_a_left_out_step_is_replaced_by_what_it_was_made_of():
    story = tell(KINDS["change"], random.Random(1))
    price, paid = story.numbers["b"], story.numbers["c"]
    left_out = [m for m in list_mistakes(story) if m.sort == "a step left out"]
    assert [step.term for step in left_out[0].steps] == [f"{story.numbers['a']} * {price}"]
    assert f"{paid} - {price}" in [m.steps[0].term for m in left_out]


def test_choices_are_five_different_values_and_mostly_what_mistakes_lead_to():
    rows, places, tempting = WORD_PROBLEMS_CHOICE.load(400, 0, 0)[0], [], 0
    solved = make_rows("train", 400, 0)
    for row, same in zip(rows, solved, strict=True):
        options = list_options(row["options"])
        assert list(options) == list("ABCDE") and len(set(options.values())) == 5
        assert options[row["answer"].upper()] == same["answer"].rpartition("#### ")[2]
        places.append(row["answer"])
    rng = random.Random(0)
    stories = [sample_story(rng) for _ in range(100)]
    tempting = sum(len({m.value for m in list_mistakes(story)}) >= 4 for story in stories)
    assert tempting > 60
    for letter in "abcde":
        assert 0.12 < places.count(letter) / len(places) < 0.28


@pytest.mark.parametrize(("a", "b"), [(60, 40), (59, 40), (1, 1)])
def test_a_story_without_mistakes_still_has_five_choices(a, b):
    told = tell(KINDS["older"], random.Random(0))
    values = choose_values(replace(told, numbers={"a": a, "b": b}))
    assert len(set(values)) == 5 and a + b in values and min(values) > 0


def test_a_right_letter_with_wrong_reasoning_is_paid_and_seen():
    row = WORD_PROBLEMS_CHOICE.load(1, 0, 0)[0][0]
    gold = WORD_PROBLEMS_CHOICE.write_gold(row)
    guess = f"<think>I guess.</think>\n<answer>{row['answer']}</answer>"
    with Scorer(WORD_PROBLEMS_CHOICE.reward_set) as scorer:
        samples = scorer.score(Batch([[]] * 2, [gold, guess], [row] * 2)).samples
    assert [one.scores["correctness"] for one in samples] == [1.0, 1.0]
    assert [one.scores["reasoning"] for one in samples] == [1.0, 0.0]
    assert [one.reward for one in samples] == [2.0, 2.0]

"""Synthetic word problems: stories that are read well and worked out badly, under three prompts.

The embedded base model is trained on what this file writes. It knows how each sort of story is
solved, and does not settle for it: as often it leaves a step out, takes a wrong operation or a
wrong number, and for some sorts of story the mistake is the habit. Sums are mostly true, thoughts
are told in sentences or in bare sums, and some texts break the format. What is right is in the
text; that it is preferred is what training adds.

Stories, prompts, mistakes and the split are those of the built-in tasks: a worked answer with its
faults is made into a completion by the very functions that write the gold ones. Of choices a part
is guessed without any work, as people do. In a second round every other batch is a drill in sums: a
small model does not learn to calculate from the few sums of its stories.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rft_core.embedded.text_source import Drill, TextSource
from rft_core.tasks.stories import choices, generator
from rft_core.tasks.stories.mistakes import Mistake, list_mistakes
from rft_core.tasks.stories.story import (
    LARGEST_FACTOR,
    LARGEST_VALUE,
    OPERATORS,
    Step,
    Story,
    calculate,
)
from rft_core.tasks.word_choices import WORD_PROBLEMS_CHOICE
from rft_core.tasks.word_problems import (
    WORD_PROBLEMS,
    WORD_PROBLEMS_PROGRAM,
    write_gold,
    write_gold_program,
)
from rft_core.types import Row

INSIGHT = (0.2, 0.75)  # the share of right plans: each sort of story has its own, between these
MISTAKE_WEIGHT = {"a step left out": 6, "a wrong operation": 2, "a wrong number": 1}
SLIP_RATE = 0.04  # of the texts whose last sum is false
TURNED_RATE = 0.25  # of sums and products have their sides exchanged
MISCOPIED_RATE = 0.04  # of the answers are another number of the thought
UNNAMED_RATE = 0.06  # of the programs never assign `answer`
GUESS_RATE = 0.3  # of the choices are made without any work
STYLES = {"sentences": 5, "sums": 3, "both": 2}  # how thoughts are told

# Fixed text becomes a few tokens; elsewhere words, signs and digits stand alone.
PIECES = (
    r"\nShow your [^<]*| tags, [^<]*| tags\. It [^<]*|\nChoices: |step_|answer = |[0-9]| ?[A-Za-z]+"
)


def sample_row(rng: random.Random) -> Row:
    """A row of the training split, with the story that it was written from."""
    story = generator.sample_story(rng)
    return {**generator.write_row(story), "story": story}


def sample_choice_row(rng: random.Random) -> Row:
    story = generator.sample_story(rng)
    return {**choices.write_row(story), "story": story}


def imperfect_completion(row: Row, rng: random.Random) -> str:
    """Worked out in words, with the faults of the tables above."""
    steps = imperfect_steps(row["story"], rng)
    text = write_gold(_worked(row, steps)) or ""
    if rng.random() < MISCOPIED_RATE:
        text = _with_answer(text, str(rng.choice([steps[0].left, steps[-1].right])))
    return _dress(text, rng)


def imperfect_program(row: Row, rng: random.Random) -> str:
    """The same with a program, which calculates without slips."""
    steps = imperfect_steps(row["story"], rng)
    text = write_gold_program(_worked(row, steps)) or ""
    if rng.random() < UNNAMED_RATE:
        text = text.replace("\nanswer = ", f"\nstep_{len(steps)} = ")
    return _dress(text, rng)


def imperfect_choice(row: Row, rng: random.Random) -> str:
    """The letter of the value that was reached; any letter where it was not worked out, or is not
    among the choices.
    """
    steps = imperfect_steps(row["story"], rng)
    values = choices.choose_values(row["story"])
    value, thought = steps[-1].value, "\n".join(step.plain() for step in steps)
    letter = choices.LETTERS[values.index(value)] if value in values else ""
    if rng.random() < GUESS_RATE:
        letter, thought = "", f"It must be about {rng.choice(values)}."
    letter = letter or rng.choice(choices.LETTERS)
    return _dress(f"<think>{thought}</think>\n<answer>{letter}</answer>", rng)


def write_drill(rng: random.Random) -> Drill:
    """One true sum, as thoughts hold it."""
    step = _sample_sum(rng)
    return Drill(f"{step.term} = ", f"{step.value}\n")


def _sample_sum(rng: random.Random) -> Step:
    while True:
        sign, left = rng.choice(list(OPERATORS)), rng.randint(2, LARGEST_VALUE - 1)
        right = rng.randint(2, LARGEST_FACTOR if sign in "*/" else LARGEST_VALUE)
        value = calculate(left, sign, right)
        if value is not None:
            return Step(left, sign, right, value, "{}")


def insight(story: Story) -> float:
    """How often this sort of story is planned rightly."""
    return random.Random(story.kind.name).uniform(*INSIGHT)


def imperfect_steps(story: Story, rng: random.Random) -> list[Step]:
    """The right steps or mistaken ones, told in one of three styles."""
    steps = story.work_out() or []
    mistakes = list_mistakes(story)
    if mistakes and rng.random() >= insight(story):
        steps = list(_choose(mistakes, rng).steps)
    if rng.random() < SLIP_RATE:
        steps[-1] = replace(steps[-1], value=steps[-1].value + rng.choice((-10, -1, 1, 10)))
    style = rng.choices(list(STYLES), list(STYLES.values()))[0]
    return [_tell(_turn(step, rng), style, rng) for step in steps]


def _choose(mistakes: list[Mistake], rng: random.Random) -> Mistake:
    return rng.choices(mistakes, [MISTAKE_WEIGHT[mistake.sort] for mistake in mistakes])[0]


def _turn(step: Step, rng: random.Random) -> Step:
    """3 * 4 or 4 * 3."""
    if step.operator in "+*" and rng.random() < TURNED_RATE:
        return replace(step, left=step.right, right=step.left)
    return step


def _tell(step: Step, style: str, rng: random.Random) -> Step:
    is_bare = style == "sums" or (style == "both" and rng.random() < 0.5)
    return replace(step, sentence="{}") if is_bare else step


def _worked(row: Row, steps: list[Step]) -> dict[str, Any]:
    return {**row, "answer": generator.write_answer(steps)}


def _with_answer(text: str, answer: str) -> str:
    return f"{text.partition('<answer>')[0]}<answer>{answer}</answer>"


def _dress(text: str, rng: random.Random) -> str:
    """Right four times out of five; else a tag is missing, or something is added."""
    faults: dict[Callable[[str], str], int] = {
        lambda whole: whole: 82,
        lambda whole: whole.replace("</think>", ""): 4,
        lambda whole: whole.replace("<think>", ""): 3,
        lambda whole: whole.replace("<answer>", "").replace("</answer>", ""): 3,
        lambda whole: f"Let me see.\n{whole}": 3,
        lambda whole: f"{whole}\nThat is the answer.": 3,
        lambda whole: whole.replace("</answer>", ""): 2,
    }
    return rng.choices(list(faults), list(faults.values()))[0](text)


TAGS = ("<think>", "</think>", "<answer>", "</answer>")
ORIGIN = (
    "All text was written by a seeded program (word_problems_text.py): the built-in tasks' stories "
    "with injected mistakes, slips and broken formats. No other text, and none by a person or "
    "another model, was used. One set of numbers in eight of each sort of story is held out."
)
PROGRAM_TEXT = TextSource(
    (WORD_PROBLEMS_PROGRAM,), TAGS, PIECES, sample_row, imperfect_program, ORIGIN
)
CHOICE_TEXT = TextSource(
    (WORD_PROBLEMS_CHOICE,), TAGS, PIECES, sample_choice_row, imperfect_choice, ORIGIN
)
WORD_PROBLEMS_TEXT = TextSource(
    tasks=(WORD_PROBLEMS, WORD_PROBLEMS_PROGRAM, WORD_PROBLEMS_CHOICE),
    tags=TAGS,
    pieces=PIECES,
    sample_row=sample_row,
    write_completion=imperfect_completion,
    write_drill=write_drill,
    origin=ORIGIN,
    others=(PROGRAM_TEXT, CHOICE_TEXT),
)

"""Generated instructions: every kind of constraint, said in words, kept by the row's own text."""

from rft_core.rewards.text.instruction_kinds import KINDS
from rft_core.rewards.text.instructions import find_constraint_problem, grade_instructions
from rft_core.tasks import get_task
from rft_core.tasks.constrained.demands import DEMANDS, say

INSTRUCTIONS = get_task("instructions")
EASY = get_task("instructions-easy")


def test_rows_are_distinct_reproducible_and_their_splits_apart():
    train, validation = INSTRUCTIONS.load(300, 60, seed=1)
    held_out = INSTRUCTIONS.held_out(60)
    assert len({row["prompt"] for row in train + validation + held_out}) == 420
    assert INSTRUCTIONS.load(300, 60, seed=1) == (train, validation)
    assert INSTRUCTIONS.load(50, 0, seed=1)[0] == train[:50]
    keys = [
        {INSTRUCTIONS.row_key(row) for row in rows}
        for rows in (train, validation + INSTRUCTIONS.load(0, 60, seed=2)[1], held_out)
    ]
    assert not (keys[0] & keys[1] or keys[0] & keys[2] or keys[1] & keys[2])


def test_every_kind_is_drawn_and_every_text_keeps_its_constraints():
    rows = INSTRUCTIONS.load(600, 0, seed=0)[0]
    assert {one["kind"] for row in rows for one in row["constraints"]} == set(KINDS)
    for row in rows:
        assert find_constraint_problem(row["constraints"]) == ""
        assert grade_instructions(row["gold"], row).score == 1.0
    INSTRUCTIONS.validate(rows[:50])


def test_no_known_cheat_keeps_a_rows_constraints():
    for row in INSTRUCTIONS.load(100, 0, seed=3)[0]:
        for cheat in INSTRUCTIONS.cheats(row).values():
            assert grade_instructions(cheat, row).score == 0.0


def test_a_prompt_says_every_constraint_with_its_values():
    assert set(DEMANDS) == set(KINDS)
    for row in INSTRUCTIONS.load(200, 0, seed=5)[0]:
        for constraint in row["constraints"]:
            assert say(constraint) in row["prompt"]
            shown = [v for k, v in constraint.items() if k not in ("kind", "language")]
            flat = [v for value in shown for v in (value if isinstance(value, list) else [value])]
            assert all(str(value) in say(constraint) for value in flat)


def test_another_count_is_the_same_prompt():
    row = INSTRUCTIONS.load(1, 0, seed=0)[0][0]
    other = {**row, "prompt": row["prompt"].replace("1", "7").replace("2", "7")}
    assert INSTRUCTIONS.row_key(row) == INSTRUCTIONS.row_key(other)


def test_easy_rows_ask_for_a_short_text_and_no_word_or_two_will_do():
    train, validation = EASY.load(150, 30, seed=0)
    held_out = EASY.held_out(200)
    keys = [{EASY.row_key(row) for row in rows} for rows in (train, validation, held_out)]
    assert not (keys[0] & keys[1] or keys[0] & keys[2] or keys[1] & keys[2])
    assert EASY.load(20, 0, seed=0)[0] == train[:20]
    EASY.validate(held_out)
    for row in train + held_out:
        assert 2 <= len(row["constraints"]) <= 3
        assert all(say(constraint) in row["prompt"] for constraint in row["constraints"])
        assert grade_instructions(row["gold"], row).score == 1.0
        for short in ("A dog.", "<<A dog>>", "[name] [date] [place]", "P.S. A dog.", row["prompt"]):
            assert grade_instructions(short, row).score == 0.0

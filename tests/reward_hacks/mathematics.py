"""Cheats on mathematics and Countdown, and the tests that hold them."""

COUNTDOWN = "rewards/answers/test_countdown_hacks.py::"
CHEAT = f"{COUNTDOWN}test_a_cheat_scores_zero_at_once"
MATH = "rewards/answers/test_math_equivalence.py::"
MATCHING = "rewards/answers/test_matching.py::"
ANSWER = "rewards/code/test_program_answer.py::"
USER = "rewards/test_user_functions.py::"

MATHEMATICS = {
    "towers and large powers": [
        f"{CHEAT}[a tower of powers]",
        f"{CHEAT}[a large power]",
        f"{MATH}test_bombs_are_wrong_answers_and_cost_little",
        f"{MATH}test_a_tower_of_powers_is_refused_before_anything_computes",
        f"{MATH}test_slow_answers_take_no_time_from_those_that_come_after_them",
    ],
    "a power of zero that erases a number": [f"{CHEAT}[a number erased by a power of zero]"],
    "floor division": [f"{CHEAT}[floor division]"],
    "a decimal point that joins two numbers": [f"{CHEAT}[a decimal point that joins two numbers]"],
    "odd spellings of numbers": [
        f"{CHEAT}[an underscore in a number]",
        f"{CHEAT}[a hexadecimal number]",
        f"{CHEAT}[a leading zero]",
    ],
    "a rational that is off by a 300,000th": [
        f"{COUNTDOWN}test_a_rational_that_is_off_by_a_300000th_is_wrong"
    ],
    "a division by zero, ten nested products": [
        f"{CHEAT}[a division by zero]",
        f"{CHEAT}[ten nested products]",
    ],
    "a sign pile-up": [f"{CHEAT}[a sign pile-up]"],
    "100,000 opening parentheses": [f"{CHEAT}[100,000 opening parentheses]"],
    "an equation for an expression": [
        f"{CHEAT}[an equation with other numbers]",
        f"{CHEAT}[an equation with a variable]",
    ],
    "several answers": [
        f"{COUNTDOWN}test_two_answer_blocks_score_zero",
        f"{MATCHING}test_several_different_boxes_are_flagged",
        f"{CHEAT}[three answers]",
    ],
    "a range, a set, an interval": [
        f"{CHEAT}[words]",
        f"{MATCHING}test_hedging_between_numbers_is_flagged_and_a_mistake_is_not",
        f"{MATH}test_no_hedge_and_no_trick_earns",
    ],
    "a variable times zero, text for a number": [
        f"{CHEAT}[a variable times zero]",
        f"{CHEAT}[LaTeX]",
        f"{MATH}test_no_hedge_and_no_trick_earns",
    ],
    "the verifier off the main thread": [
        f"{COUNTDOWN}test_another_thread_gives_the_same_scores",
        f"{MATCHING}test_the_numeric_match_is_the_same_off_the_main_thread",
        f"{MATH}test_off_the_main_thread_the_scores_are_the_same",
    ],
    "one letter for every multiple choice": [
        "diagnosis/test_preflight.py::test_always_answering_a_is_at_chance_level",
        "test_dry_run.py::test_choices_at_chance_level_are_warned_about",
    ],
    "NaN and infinity as a reward": [f"{USER}test_what_is_no_finite_number_is_unscored_and_named"],
    "a number too large for a float": [
        f"{MATCHING}test_a_number_too_large_for_a_float_is_a_wrong_answer_like_any_other"
    ],
    "a program that hedges, or answers with more than a number": [
        f"{ANSWER}test_a_guess_a_hedge_or_a_trick_earns_nothing"
    ],
    "honest twins": [
        f"{COUNTDOWN}test_an_honest_expression_earns_everything",
        f"{MATH}test_every_form_of_the_right_answer_earns",
        f"{MATCHING}test_usual_spellings_of_one_number_are_read",
        f"{ANSWER}test_an_honest_program_earns_however_it_gives_its_answer",
    ],
}

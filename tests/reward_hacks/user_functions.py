"""What users' own reward functions do wrong, and the tests that hold it."""

USER = "rewards/test_user_functions.py::"

USER_FUNCTIONS = {
    "raising on some samples": [
        f"{USER}test_an_exception_names_the_sample_and_the_line_and_scores_the_others"
    ],
    "a wrong length": [f"{USER}test_a_wrong_length_scores_nothing"],
    "numbers of every kind, and what is none": [
        f"{USER}test_numbers_of_every_kind_are_scores",
        f"{USER}test_what_is_no_finite_number_is_unscored_and_named",
    ],
    "order and chance": [
        "rewards/test_consistency.py::test_a_random_function_is_reported_once",
        "rewards/test_consistency.py::test_a_function_of_the_place_in_the_batch_is_reported",
    ],
    "10 MB of prints": [f"{USER}test_ten_megabytes_of_prints_do_no_harm"],
    "a missing module": [f"{USER}test_a_missing_module_is_explained"],
    "a column that shows the answer in the prompt": [
        "data/test_prompt_lint.py::test_leaked_answers_are_found_without_crying_wolf",
        "data/test_prompt_lint.py::test_a_template_that_prints_the_answer_is_reported_once",
    ],
    "an edit while a run is live": [
        "training/test_grpo_run.py::test_a_run_keeps_the_rewards_that_it_was_launched_with",
        "jobs/test_launcher.py::test_launch_pins_prompts_and_rewards",
    ],
    "a hang, a death": [
        f"{USER}test_a_hang_is_killed_and_named_and_the_others_are_scored",
        f"{USER}test_a_death_is_unscored_and_named_never_zero",
    ],
}

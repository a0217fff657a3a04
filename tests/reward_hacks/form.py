"""Cheats on the format of a completion, and the tests that hold them."""

FORMAT = "rewards/text/test_format_hacks.py::"
PATTERN = "rewards/text/test_pattern_and_length.py::"

FORM = {
    "an empty thought, or one of invisible characters": [
        f"{FORMAT}test_a_broken_format_scores_zero",
        f"{FORMAT}test_the_reason_says_what_the_thought_lacks",
    ],
    "text after the answer; the answer before the thought": [
        f"{FORMAT}test_a_broken_format_scores_zero"
    ],
    "50 copies of a tag": [f"{FORMAT}test_farmed_tags_are_flagged[50 copies of the answer]"],
    "words of Triton in comments and strings alone": [
        "rewards/triton/test_kernel_format.py::test_words_in_comments_and_strings_earn_only_the_tags",
        "rewards/triton/test_kernel_format.py::test_copies_of_keywords_earn_no_more_than_one_each",
    ],
    "4,000 repetitions": [
        f"{FORMAT}test_4000_repetitions_are_noticed",
        "training/test_pausing.py::test_four_thousand_repetitions_show_in_the_lengths_and_the_flags",
    ],
    "50 kB of a tag without a close": [
        f"{FORMAT}test_the_time_for_unclosed_tags_grows_as_the_text",
        f"{PATTERN}test_a_catastrophic_pattern_ends_within_its_time_and_harms_nobody",
        f"{PATTERN}test_a_pattern_out_of_time_is_unscored_and_flagged",
    ],
    "honest twins": [
        f"{FORMAT}test_an_honest_format_earns_one",
        f"{FORMAT}test_long_honest_text_is_not_called_repetitive",
    ],
}

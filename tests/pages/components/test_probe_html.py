"""The table of probes as HTML: what it shows, and that no text of others becomes markup."""

from dataclasses import replace

from pages.components.rewards.probe_html import LONGEST_SHOWN, probes_html, visible_text
from rft_core.diagnosis.probes.report import ProbeResult

HOSTILE = '<img src=x onerror="alert(1)"> **bold** $x$'
RESULT = ProbeResult(
    name="refusal", title="A refusal", verdict="pays", meaning="A polite no.", advice="Look.",
    completion="no", case=0, scores={"format": 1.0, "right": None}, reward=1.0, gold_reward=2.0,
    wrong_reward=1.0, prompts_paid=3, prompts_tried=4,
)  # fmt: skip


def test_a_row_shows_scores_rewards_prompts_meaning_cure_and_completion() -> None:
    html = probes_html([RESULT], [{"question": "Why?"}])
    for part in ("Pays", "A refusal", "format <b>1</b>", "right <b>–</b>", "3 of 4", "A polite no.",
                 "Look.", ">no</pre>", "Why?"):  # fmt: skip
        assert part in html


def test_the_first_that_pays_is_open_and_no_other() -> None:
    held = replace(RESULT, verdict="held", advice="")
    assert probes_html([RESULT, RESULT], [{}]).count(" open>") == 1
    assert " open>" not in probes_html([held], [{}])


def test_hostile_texts_stay_texts() -> None:
    hostile = replace(RESULT, completion=HOSTILE, title=HOSTILE, scores={HOSTILE: 1.0})
    html = probes_html([hostile], [{HOSTILE: HOSTILE}])
    assert "<img" not in html and "&lt;img src=x" in html


def test_what_cannot_be_seen_is_spelled_out_and_what_is_long_is_cut() -> None:
    assert visible_text(" \n\u200b") == " \\n\\u200b"
    assert "(empty completion)" in probes_html([replace(RESULT, completion="")], [{}])
    long = probes_html([replace(RESULT, completion="x" * (LONGEST_SHOWN + 1_234))], [{}])
    assert "1,234 more characters" in long

"""The table of reward probes as HTML: a row for each, which opens to its completion.

Completions, rows and names are untrusted: every piece of them is escaped here. Knows no Streamlit:
`reward_probes.py` puts the result on the page.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from pages.components.completions.completion_html import score_text
from rft_core.diagnosis.probes.report import ProbeResult
from rft_core.rewards.text.format import has_visible_text

LONGEST_SHOWN = 3_000  # characters; what repeats itself 50 times is clear by then
LONGEST_ROW = 400
VERDICTS = {"pays": "Pays", "loose": "Lenient", "held": "Holds", "unscored": "Unscored"}
HEAD = (
    '<div class="pb-head"><span>Verdict</span><span>Probe</span><span class="pb-number">Scores'
    '</span><span class="pb-number">Reward</span><span class="pb-number" title="What the gold '
    'completion earns for the same prompt">Gold</span><span class="pb-number" title="Prompts on '
    'which it pays, of those on which it was tried">Prompts</span></div>'
)


def probes_html(results: Iterable[ProbeResult], rows: Sequence[Mapping[str, Any]]) -> str:
    """`rows[i]`: the row of the prompt that a result's `case` numbers. One that pays is open."""
    body = "".join(
        _row(result, rows[result.case], is_open=place == 0 and result.verdict == "pays")
        for place, result in enumerate(results)
    )
    return f'<div class="pb">{HEAD}{body}</div>'


def visible_text(completion: str) -> str:
    """As it is; blanks and zero-width characters in Python's spelling, so that they can be seen."""
    return completion if has_visible_text(completion) else ascii(completion)[1:-1]


def _row(result: ProbeResult, row: Mapping[str, Any], *, is_open: bool) -> str:
    return (
        f'<details class="{result.verdict}"{" open" if is_open else ""}><summary>'
        f'<span class="pb-verdict">{VERDICTS[result.verdict]}</span>'
        f'<span class="pb-title">{escape(result.title)}</span>'
        f'<span class="pb-scores">{_scores(result.scores)}</span>'
        f'<span class="pb-number pb-reward">{score_text(result.reward)}</span>'
        f'<span class="pb-number">{score_text(result.gold_reward)}</span>'
        f'<span class="pb-number">{result.prompts_paid} of {result.prompts_tried}</span>'
        f'</summary><div class="pb-more">{_more(result, row)}</div></details>'
    )


def _scores(scores: Mapping[str, float | None]) -> str:
    """Without the colours of other pages, where a full score is good news."""
    return "".join(
        f'<span class="pb-chip">{escape(name)} <b>{score_text(score)}</b></span>'
        for name, score in scores.items()
    )


def _more(result: ProbeResult, row: Mapping[str, Any]) -> str:
    """What it means, what to do, and the completion with the row that it was written for."""
    fix = f'<div class="pb-fix"><span>{escape(result.advice)}</span></div>' if result.advice else ""
    shown = json.dumps(dict(row), ensure_ascii=False, default=str)
    shown = shown if len(shown) <= LONGEST_ROW else shown[:LONGEST_ROW] + " …"
    return (
        f'<div class="pb-why">{escape(result.meaning)}</div>{fix}'
        f'<pre class="pb-text">{_completion(result.completion)}</pre>'
        f'<div class="pb-row">Prompt {result.case + 1} · {escape(shown)}</div>'
    )


def _completion(completion: str) -> str:
    if not completion:
        return "<em>(empty completion)</em>"
    text = visible_text(completion)
    left = len(text) - LONGEST_SHOWN
    cut = f"<em> … {left:,} more characters</em>" if left > 0 else ""
    return escape(text[:LONGEST_SHOWN]) + cut

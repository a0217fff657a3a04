"""Whatever a model, a reward or a prompt says, it reaches the page as text."""

from html.parser import HTMLParser

import pytest

from pages.components.completions.completion_html import (
    completion_card,
    completion_text,
    diff_html,
    prompt_html,
    score_text,
)
from pages.components.completions.word_diff import diff_words
from rft_core.store.generations import StoredGeneration
from tests.work import growth

OURS = {"div", "span", "b", "i", "em", "mark", "details", "summary", "del", "ins"}
ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<think><svg/onload=alert(1)></think><answer><iframe src=//x></answer>",
    "<think></think></div></div><style>*{display:none}</style>",
    '"><a href="javascript:alert(1)">',
    "<answer><answer><answer></answer>",
    "<think><think></think></think>",
    "&lt;script&gt; &#x3c;script> \x00 \u202e",
]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def parse(html: str) -> Tags:
    parser = Tags()
    parser.feed(html)
    parser.close()
    return parser


def generation(
    text: str, name: str = "format", reason: str = "", flag: str = ""
) -> StoredGeneration:
    return StoredGeneration(
        1, 2, "train", 0, 0, 1, text, 9, False, 1.0, 0.5, (flag,) if flag else (),
        {name: 1.0}, {name: reason},
    )  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_becomes_markup(attack: str) -> None:
    everywhere = generation(attack, name=attack, reason=attack, flag=attack)
    cards = [completion_card(everywhere, title=attack, reasons=shown) for shown in (True, False)]
    for html in [*cards, prompt_html(attack), diff_html(diff_words(attack, "a"))]:
        tags = parse(html)
        assert set(tags.opened) <= OURS
        assert tags.attributes <= {"class", "style", "title", "open"}


def test_thoughts_are_folded_and_answers_marked() -> None:
    html = completion_card(generation("<think>1 + 1 = 2</think>\n<answer>1 + 1</answer>"))
    assert "<details><summary>think · 5 words</summary>" in html
    assert '<mark class="gen-answer">1 + 1</mark>' in html


def test_an_unclosed_thought_stays_in_sight() -> None:
    html = completion_card(generation("<think>1 + 1 = 2\n<answer>2</answer>"))
    assert "<details>" not in html and "&lt;think&gt;1 + 1 = 2" in html


def test_an_empty_completion_says_so() -> None:
    assert "empty completion" in completion_card(generation(""))


@pytest.mark.parametrize(
    ("score", "text"), [(1.0, "1"), (0.25, "0.25"), (0.0, "0"), (-1.5, "-1.5"), (None, "–")]
)
def test_scores_are_written_short(score: float | None, text: str) -> None:
    assert score_text(score) == text


@pytest.mark.parametrize("tag", ["think", "answer"])
def test_tags_that_nothing_closes_take_time_as_the_text_is_long(tag: str) -> None:
    assert growth(lambda n: completion_text(generation(f"<{tag}>" * n)), 4_000, 4) < 8
    closed_before = f"</{tag}>" + f"<{tag}>x" * 50
    assert f"&lt;{tag}&gt;x" in completion_text(generation(closed_before))


def test_a_tag_reaches_to_the_first_that_closes_it() -> None:
    html = completion_text(
        generation("a<think>b<think>c</think>d<answer>1</answer>e</answer><answer>f")
    )
    assert "b&lt;think&gt;c</div></details>" in html
    assert html.index(">1</mark>") < html.index("e&lt;/answer&gt;&lt;answer&gt;f")
    assert html.count("<mark") == 1

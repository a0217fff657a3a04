"""Every kind of constraint: an honest completion keeps it, and a cheat does not."""

import pytest

from rft_core.rewards.text.instruction_kinds import KINDS
from rft_core.rewards.text.instructions import grade_instructions
from tests.work import cpu_seconds

EN = "The cat is on the mat and it was happy with that."
DE = "Die Katze ist nicht auf der Matte und das ist für die Maus gut."

CASES = [  # kind, values, honest completions, cheating completions
    ("keywords", {"words": ["cat", "blue sky"]}, ["The Cat saw a blue  sky.", "blue sky, cat!",
     "the _cat_ in a **blue sky**"],
     ["concatenate the blue skyline", "cat blue, sky", "c a t blue sky", "cats and blue skies"]),
    ("forbidden_words", {"words": ["cat"]}, ["We concatenate.", "A dog."],
     ["A CAT.", "cat", "the Cat's tail", "x\ncat\ny", "c\u200bat", "c\u00adat", "_cat_",
      "my_cat", "\uff43\uff41\uff54", "c\u0430t"]),
    ("keyword_count", {"word": "cat", "exactly": 2}, ["cat and Cat"],
     ["cat", "cat cat cat", "catcat", "cat concat"]),
    ("letter_count", {"letter": "z", "minimum": 3}, ["zigzag Zoo"], ["zoo", "z z", "ab"]),
    ("word_count", {"minimum": 3, "maximum": 5}, ["one two three", "it's a well-known fact"],
     ["one two", "a b c d e f", ". , ; ! ?", "one-two-three", "a\u200bb\u200bc",
      "it_is_all_one_word_here", "a'b'c'd'e'f'g'h'i'j'k'l"]),
    ("keywords", {"words": ["天气", "관리"]}, ["今天天气很好，서비스의 안정성과 관리를"],
     ["今天很好"]),
    ("keywords", {"words": ["소"]}, ["소를 보았다."], ["청소를 했다."]),
    ("keywords", {"words": ["don't"]}, ["I don’t know"], ["I do not"]),
    ("forbidden_words", {"words": ["天气"]}, ["今天很好"], ["今天天气很好，我们去公园。"]),
    ("keyword_count", {"word": "猫", "minimum": 3}, ["猫喜欢猫，也喜欢另一只猫。"], ["猫喜欢猫"]),
    ("sentence_count", {"exactly": 2}, ["我喜欢猫。我也喜欢狗。", "यह घर है। वह स्कूल है।",
     "هل هذا بيت؟ نعم هذا بيت.", "میں جاتا ہوں۔ تم آتے ہو۔", "Ես գնում եմ։ Դու գալիս ես։",
     "እኔ እሄዳለሁ። አንተ ትመጣለህ።"], ["میں جاتا ہوں", "我喜欢猫。我也喜欢狗。我走。", "我喜欢猫"]),
    ("word_count", {"maximum": 3}, ["我很好"], ["今天天气很好我们一起去公园散步"]),
    ("sentence_count", {"exactly": 2}, ["One is 3.5. Two!", "It is e.g. red. Yes.",
     "J. Smith came. Fine.", "The U.S. is large. Yes.", "1. One thing.\n2. Two things.",
     "At 5 p.m. we left. Why?"],
     ["One", "One. Two. Three.", "One.Two.", "One. . .", "Hi! !"]),
    ("paragraph_count", {"exactly": 2, "separator": "***"},
     ["One.\n\nStill one.\n***\nTwo.", "One. ***\nTwo."],
     ["One.\n\nTwo.", "One.\n***\n***", "a\n***\nb\n***\nc"]),
    ("paragraph_count", {"exactly": 2},
     ["a b\n\nc d", "one\n\n\n\ntwo", "a\n\n***\n\nb", "a\n***\nb"],
     ["a\nb", "a", "a\n\nb\n\nc", "a\n\n \n\n", "a\n\n.", "a\n\n\u200b"]),
    ("character_count", {"maximum": 10}, ["short", "ten chars.", "short" + "\u200b" * 9],
     ["x" * 11]),
    ("bullet_count", {"exactly": 2}, ["* one\n* two", "- a b\n- c", "Intro:\n• x\n• y\nEnd",
     "+ a\n+ b"],
     ["* one", "- a\n- a", "*a*\n*b*", "-a\n-b", "- \n- ", "- a\n- b\n- c"]),
    ("highlight_count", {"minimum": 2}, ["*one* and *two*", "**big** *small*"],
     ["*one* *one*", "* a\n* b", "** **", "*one two", "2 * 3 * 4 * 5 * 6",
     "2*3*4 is 24*1*1"]),
    ("placeholder_count", {"minimum": 2}, ["[name] at [city]", "Dear [name],\nyes, [name]."],
     ["[name] [name]", "[] [ ]", "[a", "[link](http://a.b) [other](http://c.d)"]),
    ("section_count", {"exactly": 2}, ["Section 1\nab\nSection 2\ncd", "## Section 1\nx\n"
     "## Section 2: more\ny", "Section 1: text on this line\nSection 2: more"],
     ["Section 1\nSection 2", "Section 1\na\nSection 1\nb",
     "Section 2\na\nSection 1\nb", "in Section 1 and Section 2", "Section 1\nx"]),
    ("capital_word_count", {"minimum": 2}, ["READ THIS now"], ["Read This", "A I", "READ"]),
    ("first_word", {"word": "sure"}, ["Sure, here.", '"Sure" he said'], ["Surely", "Not sure", ""]),
    ("starts_with", {"text": "Dear Ann,"}, ["Dear Ann, hello"], ["dear ann,", "Hi. Dear Ann, x"]),
    ("ends_with", {"text": "Any questions?"}, ["Done. Any questions?"],
     ["Any questions? No.", "any questions?"]),
    ("ends_with", {"text": "Any questions? ", "any_case": True},
     ["DONE. ANY QUESTIONS?", '"Any questions?"'], ["Any questions? No."]),
    ("quoted", {}, ['"All of it."', "“All of it.”", "«Alles»", '"She said "hi" to me."'],
     ['"one" two "three"', '"half" of it', '""', '"', '"a" and "b"', "'x'"]),
    ("quoted", {"edges_only": True}, ['"a" and "b"'], ['a "b"', '""', '"']),
    ("no_commas", {}, ["one and two"], ["one, two", "一，二", "a、b", "a\u060c b", "a\u201a b"]),
    ("lowercase", {}, ["all small 1"], ["One", "aLL", "123"]),
    ("uppercase", {}, ["ALL BIG 1!"], ["All", "123"]),
    ("json", {}, ['{"a": 1}', "[1, 2]", '```json\n{"a": 1}\n```'],
     ["{'a': 1}", "1", '"text"', 'Here: {"a": 1}', "{", "[" * 9000, '{"a": NaN}']),
    ("title", {}, ["<<My title>>\ntext", "Here you are:\n# <<T>>\ntext"],
     ["<<>>\nx", "<T>", "<<a>> b", "<< >>"]),
    ("title", {"anywhere": True}, ["Here: <<T>> and text"], ["<T>", "<<\n>>", "<< >>"]),
    ("postscript", {}, ["Bye.\n\nP.S. Write soon", "Bye.\n\nP.S.: Write\nsoon",
     "**P.S.** Call me.\n\nYours, Ann", "bye.\n\np.s. write"],
     ["P.S.", "Bye\nP.S. ", "Bye.\n\n**P.S.**\n\nAnn", "stop.s. more"]),
    ("postscript", {"marker": "P.P.S"}, ["see you.\n\np.p.s. bring tea."], ["P.S. bring tea."]),
    ("language", {"language": "en"}, [EN, "I love you very much.", "We went home early."],
     [DE, "кот на ковре", "the", "xyz qwe", "123"][:2]),
    ("language", {"language": "fr"}, ["J'aime beaucoup nager."], [EN, DE, "Me gusta mucho nadar."]),
    ("language", {"language": "es"}, ["Me gusta mucho nadar."],
     [EN, DE, "Mi piace molto nuotare."]),
    ("language", {"language": "de"}, [DE, "Ich liebe Wasser."],
     [EN, "123"]),
    ("language", {"language": "ru"}, ["Кот сидит на ковре."], [EN, "Кот is on the mat here", "1"]),
    ("language", {"language": "ja"}, ["猫はマットの上にいます。"], [EN, "кот"]),
    ("language", {"language": "zh"}, ["猫在垫子上"], [EN, "123"]),
    ("language", {"language": "ja"}, ["今日は学校へ行きました。"],
     ["我今天去学校学习汉语，老师很好。"]),
    ("language", {"language": "uk"}, ["Сьогодні я йду до школи, і це дуже добре."],
     ["Я сегодня иду в школу, и это очень хорошо для меня."]),
    ("language", {"language": "fa"}, ["این یک کتاب خوب است"],
     ["أذهب اليوم إلى المدرسة مع أصدقائي"]),
    ("language", {"language": "hi"}, ["मैं आज स्कूल जा रहा हूँ"], ["हा मराठी मजकूर आहे आणि तो चांगला आहे"]),
    ("language", {"language": "es"}, ["Hola, ¿cómo estás? Espero que todo vaya bien."], [EN]),
    ("language", {"language": "pl"}, ["Dzisiaj idę do szkoły z bratem."], [EN, DE]),
    ("language", {"language": "vi"}, ["Hôm nay tôi đi học."], [EN]),
    ("language", {"language": "kn"}, ["ನಾನು ಇಂದು ಶಾಲೆಗೆ ಹೋಗುತ್ತೇನೆ"], [EN]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "values", "honest", "cheats"), CASES)
def test_honest_completions_keep_it_and_cheats_do_not(kind, values, honest, cheats):
    row = {"constraints": [{"kind": kind, **values}]}
    for text in honest:
        assert grade_instructions(text, row).score == 1.0, text
    for text in cheats:
        graded = grade_instructions(text, row)
        assert graded.score == 0.0, text


def test_every_kind_has_its_cases():
    assert {kind for kind, *_ in CASES} == set(KINDS)
    assert len(KINDS) >= 15


def test_strict_wants_all_and_partial_pays_shares():
    constraints = [{"kind": "no_commas"}, {"kind": "word_count", "maximum": 3}]
    row = {"constraints": [*constraints, {"kind": "lowercase"}]}
    assert grade_instructions("One two", row).score == 0.0
    assert grade_instructions("One two", row, partial=True).score == pytest.approx(2 / 3)
    assert grade_instructions("One two", row).reason == "Not kept: lowercase."
    tagged = "<think>Yes, A LOT, of, thought</think><answer>one two</answer>"
    assert grade_instructions(tagged, row, extraction="answer_tag").score == 1.0


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "...", "\u3164" * 5])
def test_silence_keeps_nothing(text):
    row = {"constraints": [{"kind": "no_commas"}, {"kind": "word_count", "maximum": 3}]}
    assert grade_instructions(text, row, partial=True).score == 0.0


@pytest.mark.parametrize(
    "constraints",
    [None, [], "no_commas", [{"kind": "nonsense"}], [{}], [5], [{"kind": "keywords"}],
     [{"kind": ["word_count"]}], [{"kind": {}}], [{"kind": None}], [{"kind": 5, "minimum": 1}],
     [{"kind": "word_count"}], [{"kind": "word_count", "minimum": "3"}],
     [{"kind": "keywords", "words": "cat"}], [{"kind": "keywords", "words": [1]}],
     [{"kind": "language", "language": "tlh"}], [{"kind": "ends_with", "text": 3}]],
)  # fmt: skip
def test_constraints_that_cannot_be_checked_leave_the_completion_unscored(constraints):
    assert grade_instructions("text", {"constraints": constraints}).score is None


def test_values_that_a_table_filled_in_with_nothing_are_not_there():
    filled = {"words": None, "minimum": None, "maximum": 3, "marker": None, "text": None}
    row = {"constraints": [{"kind": "word_count", **filled}]}
    assert grade_instructions("one two", row).score == 1.0
    assert grade_instructions("one two three four", row).score == 0.0


UNITS = [".", "\n", " ", "*", "a.", "1", "[", "a", " \n", "?!", "A. ", "*a", "\n***x", "\n- ", "é",
         "\u0316\u0301", "\"", "cat ", "Section 1\n", "<", "-", "a'"]  # fmt: skip


@pytest.mark.parametrize("kind", CASES, ids=[kind for kind, *_ in CASES])
def test_the_time_of_every_kind_grows_no_faster_than_the_text(kind):
    row = {"constraints": [{"kind": kind[0], **kind[1]}]}
    start = {"title": "<<", "json": "```"}.get(kind[0], "")
    for unit in UNITS:
        short, long = (start + unit * (size // len(unit)) + "\x01a" for size in (4_000, 32_000))
        limit = max(3 * 8 * seconds_of(short, row), 0.1)  # as a square it would be 64 times as long
        assert seconds_of(long, row) < limit, unit


def seconds_of(text: str, row) -> float:
    return cpu_seconds(lambda: grade_instructions(text, row), tries=2)


def test_every_kind_is_quick_on_hostile_text():
    texts = ["<<" * 20_000, "*" * 50_000, "[" * 50_000, "- " * 25_000, "a" * 50_000, "\n" * 50_000,
             "Section 1 " * 5_000, ". " * 25_000, '"' * 50_000, "* a *" * 10_000, "x " * 25_000,
             "```json\n" * 5_000, " \n" * 25_000 + "x", "a-" * 25_000]  # fmt: skip
    for kind, values, *_ in CASES:
        row = {"constraints": [{"kind": kind, **values}]}
        for text in texts:
            half = max(seconds_of(text[: len(text) // 4] + "x", row), 0.02)
            assert seconds_of(text + "x", row) < 10 * half, (kind, text[:10])

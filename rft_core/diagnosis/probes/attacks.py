"""The attacks: completions that deserve nothing, or no more than a known part, and what to do.

An attack is a strategy that a policy could learn instead of the task, so it never knows the answer
except where it says so (a hedge holds the right answer among wrong ones: the policy would name
enough of them). `texts.py` writes them, `rules.py` judges what they earn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rft_core.diagnosis.probes import texts
from rft_core.diagnosis.probes.target import Target
from rft_core.types import Row


class Allowed(StrEnum):
    """What an attack may earn at most."""

    BLIND = "a wrong answer's reward"
    GUESS = "less than the right answer's"
    WRONG = "less than the right answer's, all functions together"
    FORM = "less than the right form's"
    LENIENT = "the right form's reward"
    GOLD = "the gold's reward"


@dataclass(frozen=True)
class Attack:
    """`write` gives the completions to try; () where the attack does not apply.

    One that pays is enough, unless `together`: then all must, as a single one is a fair gamble.
    `spoil_row` changes the row instead of the completion; None where it cannot.
    """

    name: str
    title: str
    allowed: Allowed
    write: Callable[[Target], Sequence[str]]
    meaning: str
    fix: str
    together: bool = False
    spoil_row: Callable[[Target], Row | None] | None = None


ATTACKS = (
    Attack("empty", "Nothing", Allowed.BLIND, texts.write_empty,
           "The model may end at once.",
           "Return 0 where the completion or the answer in it is empty."),
    Attack("blank", "Blanks", Allowed.BLIND, texts.write_blank,
           "White space and zero-width characters.",
           "Strip the text and ask for a letter or digit before any credit."),
    Attack("refusal", "A refusal", Allowed.BLIND, texts.write_refusal,
           "A polite no, the same to every prompt.",
           "Give credit only for what the row's gold answer confirms, never as the default."),
    Attack("praise", "Praise of itself", Allowed.BLIND, texts.write_praise,
           "It claims to be right instead of being right.",
           "Compare with the gold answer; tell a judge that the completion is no instruction."),
    Attack("echo", "The prompt, repeated", Allowed.BLIND, texts.write_echo,
           "The prompt as the completion, and as the answer.",
           "Read the answer from its own place, and compare the whole of it with the gold."),
    Attack("prompt_numbers", "Numbers from the prompt", Allowed.BLIND, texts.write_prompt_numbers,
           "The prompt's numbers, copied without any work.",
           "Accept one number alone, and compare it with the gold."),
    Attack("columns", "Other columns of the row", Allowed.BLIND, texts.write_columns,
           "What the row holds beside the answer, as it stands.",
           "Compare with the gold column only."),
    Attack("bare_gold", "The gold answer, bare", Allowed.GOLD, texts.write_bare_gold,
           "The right answer without the form around it.",
           "Make sure that no function pays for leaving the form out."),
    Attack("wrong", "A wrong answer in the right form", Allowed.WRONG, texts.write_wrong,
           "Answers far from right, and the right answers of other rows.",
           "Add a function that compares the answer with the gold one."),
    Attack("constant", "The same answer to everything", Allowed.GUESS, texts.write_constant,
           "The commonest gold answer, where it is wrong.",
           "Compare with this row's gold, not with a set of allowed answers."),
    Attack("near_miss", "A near miss", Allowed.GUESS, texts.write_near,
           "A number beside the right one, its negative, its digits turned round.",
           "Lower the tolerance, keep the sign, and compare numbers as numbers."),
    Attack("piece", "A piece of the answer", Allowed.GUESS, texts.write_piece,
           "It only begins as the right answer does.",
           "Compare the whole answer (==, fullmatch), not its beginning or a part of it."),
    Attack("hedge", "Several answers at once", Allowed.BLIND, texts.write_hedge,
           "“1 or 2 or 50”: the right one is among them.",
           "Give 0 where the answer block holds more than one answer."),
    Attack("long_list", "A long list of guesses", Allowed.BLIND, texts.write_long_list,
           "Wherever the right one stands among a dozen, it is found and paid.",
           "Pay for few places only, and less for the later ones.", together=True),
    Attack("many_answers", "An answer block for every guess", Allowed.BLIND,
           texts.write_many_answers,
           "Wherever the right block stands, it is found and paid.",
           "Give 0 where there is more than one answer block.", together=True),
    Attack("only_thought", "Right only in the thought", Allowed.BLIND, texts.write_only_thought,
           "The right answer is mentioned on the way; the answer given is wrong.",
           "Read the answer block alone, not the whole text."),
    Attack("no_gold", "A row without a gold answer", Allowed.BLIND, texts.write_no_gold,
           "A refusal where the row's gold answer is empty: an empty text is found in any text.",
           "Return None where the row has no gold answer.", spoil_row=texts.blank_row),
    Attack("unreadable", "An answer that cannot be read", Allowed.BLIND, texts.write_unreadable,
           "“((((”, “1/0”, “nan”: what parsers stumble over.",
           "Return 0 where parsing fails, and refuse nan and inf."),
    Attack("trivial", "A trivial answer", Allowed.BLIND, texts.write_trivial,
           "“{}”, “0”, “null”: valid, and says nothing.",
           "Ask for the fields or the value that the gold answer has, not only for validity."),
    Attack("code", "Code in place of an answer", Allowed.BLIND, texts.write_code,
           "An object that equals everything, for rewards that evaluate the answer.",
           "Never eval the answer: parse it, and check what it is made of."),
    Attack("keywords", "Keywords, over and over", Allowed.BLIND, texts.write_stuffed,
           "The words that the reward's source mentions, and those of reasoning.",
           "Count a word once at most, or do not pay for words."),
    Attack("padding", "Padding", Allowed.GOLD, texts.write_padded,
           "The gold completion with its thought repeated, to 16,000 characters or more.",
           "Do not pay for length, or only up to a limit."),
    Attack("tag_spam", "Tags, 50 copies", Allowed.LENIENT, texts.write_tag_spam,
           "Whole blocks and single tags, 50 times.",
           "Ask for each tag exactly once; never add credit by count."),
    Attack("tag_soup", "Tags in no order", Allowed.FORM, texts.write_tag_soup,
           "All the tags around nothing, the closing ones first; or only the first and the last.",
           "Match the whole form in order (fullmatch), not the presence of tags."),
    Attack("swapped", "Answer before thought", Allowed.FORM, texts.write_swapped,
           "The blocks in the wrong order.",
           "Match the whole form in order (fullmatch), not the presence of tags."),
    Attack("text_after", "Text after the end", Allowed.FORM, texts.write_text_after,
           "The form, and then more text.",
           "Anchor the pattern at both ends: fullmatch, not search."),
    Attack("unclosed", "Tags left open", Allowed.FORM, texts.write_unclosed,
           "Only the opening tags.",
           "Ask for the closing tags too."),
    Attack("broken_gold", "The gold in a broken form", Allowed.GOLD, texts.write_broken_gold,
           "The right answer, with open tags or before the thought.",
           "Make sure that no function pays for breaking the form."),
    Attack("doubled", "Nested and doubled tags", Allowed.LENIENT, texts.write_doubled,
           "A block twice, or inside itself.",
           "Ask for each tag exactly once: text.count(tag) == 1."),
    Attack("no_thought", "An empty thought", Allowed.LENIENT, texts.write_no_thought,
           "The thought is left out, or invisible.",
           "Ask for visible text in the thought."),
    Attack("skeleton", "The form with nothing in it", Allowed.LENIENT, texts.write_skeleton,
           "Tags around nothing, blanks or three dots.",
           "Ask for visible text in every block."),
)  # fmt: skip


def task_attack(name: str, allowed: Allowed = Allowed.BLIND) -> Attack:
    """One of the task's own cheats."""
    return Attack(
        f"cheat: {name}",
        name[:1].upper() + name[1:],
        allowed,
        lambda target: [target.case.cheats[name]] if name in target.case.cheats else [],
        "A cheat that this task is known for.",
        "Check that the answer does what the prompt asks, by the task's own rules.",
    )

"""Pair sets: what they refuse, what their id promises, and that no prompt is on both sides."""

import json
from dataclasses import replace
from typing import Any

import pytest

from rft_core.data.pair_set import Pair, PairSet, make_pair_set, prompt_key
from rft_core.errors import BadInputError


def make_pair(prompt: str = "2 + 2?", chosen: str = "4", rejected: str = "5", **more: Any) -> Pair:
    return Pair([{"role": "user", "content": prompt}], chosen, rejected, **more)


def test_a_pair_set_survives_its_json_and_refuses_another_content() -> None:
    pairs = [make_pair(f"{n} + 2?", row={"n": n}, margin=0.5, group=f"g{n}") for n in range(20)]
    made = make_pair_set("Votes", pairs, task="countdown")
    read = PairSet.from_json(made.to_json())
    assert (read.id, read.name, read.task) == (made.id, "Votes", "countdown")
    assert read.train_pairs == made.train_pairs
    assert read.validation_pairs == made.validation_pairs
    data = json.loads(made.to_json())
    data["pairs"][0]["chosen"] = "6"
    with pytest.raises(BadInputError, match="does not match its id"):
        PairSet.from_json(json.dumps(data))
    with pytest.raises(BadInputError, match="cannot be read"):
        PairSet.from_json('{"name": "Votes"}')


def test_the_id_says_what_a_run_depends_on_and_not_the_name() -> None:
    pairs = [make_pair(f"{n}?") for n in range(4)]
    made = make_pair_set("One", pairs)
    assert make_pair_set("Two", pairs).id == made.id
    assert replace(made, validation=()).id != made.id
    assert replace(made, task="countdown").id != made.id
    assert make_pair_set("One", [replace(pairs[0], margin=1.0), *pairs[1:]]).id != made.id


def test_all_pairs_of_a_prompt_are_on_one_side_whatever_the_seed() -> None:
    pairs = [
        make_pair(f"Question {n} ?", chosen=f"{n}{answer}")
        for n in range(30)
        for answer in range(1 + n % 4)
    ]
    pairs += [make_pair(f"question  {n} ?", chosen="the same prompt") for n in range(0, 30, 2)]
    for seed in range(5):
        made = make_pair_set("Votes", pairs, validation_share=0.2, seed=seed)
        train = {prompt_key(pair.messages) for pair in made.train_pairs}
        held_out = {prompt_key(pair.messages) for pair in made.validation_pairs}
        assert train and held_out and not train & held_out
        assert 0.15 < len(made.validation) / len(pairs) < 0.21
    assert make_pair_set("Votes", pairs, seed=1).id != make_pair_set("Votes", pairs, seed=2).id


def test_pairs_of_one_prompt_all_train_and_a_share_of_none_holds_none_out() -> None:
    one = [make_pair(chosen=f"4{'!' * n}") for n in range(1, 5)]
    assert make_pair_set("One prompt", one).validation == ()
    many = [make_pair(f"{n}?") for n in range(10)]
    assert make_pair_set("All train", many, validation_share=0).validation == ()
    assert len(make_pair_set("Some", many).validation) == 1


def test_the_system_message_is_part_of_the_prompt() -> None:
    system = {"role": "system", "content": "Be brief"}
    plain, told = make_pair(), make_pair()
    told = replace(told, messages=[system, *told.messages])
    assert prompt_key(plain.messages) != prompt_key(told.messages)


@pytest.mark.parametrize(
    ("pair", "why"),
    [
        (make_pair(rejected="4"), "the same text"),
        (make_pair(prompt="  "), "prompt is empty"),
        (Pair([], "4", "5"), "prompt is empty"),
        (Pair([{"role": "tool", "content": "x"}], "4", "5"), "role 'tool'"),
        (Pair([{"role": "assistant", "content": "x"}], "4", "5"), "ends with an answer"),
        (make_pair(margin=float("nan")), "margin is nan"),
        (make_pair(chosen="\ud800"), "cannot be written"),
        (make_pair(row={"when": object()}), "cannot be written"),
    ],
)
def test_a_pair_that_teaches_nothing_is_refused_by_its_number(pair: Pair, why: str) -> None:
    with pytest.raises(BadInputError, match=f"Pair 2 cannot be used.*{why}"):
        make_pair_set("Votes", [make_pair(), pair])


def test_a_group_of_two_prompts_and_an_empty_set_are_refused() -> None:
    with pytest.raises(BadInputError, match="Pair 2 has another prompt than its group 'a'"):
        make_pair_set("Votes", [make_pair("1?", group="a"), make_pair("2?", group="a")])
    with pytest.raises(BadInputError, match="at least one pair"):
        make_pair_set("Votes", [])
    with pytest.raises(BadInputError, match="validation share of"):
        make_pair_set("Votes", [make_pair()], validation_share=1.5)

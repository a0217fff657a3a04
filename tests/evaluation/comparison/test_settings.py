"""Which settings of runs differ, and which runs are seeds of one another."""

from rft_core.config import make_config
from rft_core.evaluation.comparison.settings import diff_settings, group_seeds
from rft_core.store.runs import RunRow


def row(id: str, **settings: object) -> RunRow:
    return RunRow(id, id, make_config(settings), 0.0, None, None)


def test_only_what_differs_is_listed_and_a_name_is_no_difference() -> None:
    configs = [make_config({"name": n, "learning_rate": r}) for n, r in (("a", 1e-4), ("b", 2e-4))]
    assert [(one.name, one.shown) for one in diff_settings(configs)] == [
        ("learning_rate", [1e-4, 2e-4])
    ]
    assert diff_settings([configs[0], configs[0]]) == []


def test_what_a_method_never_reads_is_no_difference_beside_the_method() -> None:
    grpo, sft = make_config({"beta": 0.3}), make_config({"method": "sft"})
    names = {one.name for one in diff_settings([grpo, sft])}
    assert "method" in names and "beta" not in names
    third = make_config({"beta": 0.1})
    (beta,) = (one for one in diff_settings([grpo, sft, third]) if one.name == "beta")
    assert beta.shown == [0.3, None, 0.1]


def test_stages_are_compared_as_people_write_them() -> None:
    one, other = (make_config({"stages": f"sft {n}; grpo 10"}) for n in (4, 6))
    found = {d.name: d.shown for d in diff_settings([one, other])}
    assert found["stages"] == ["sft 4; grpo 10", "sft 6; grpo 10"]


def test_runs_that_differ_in_their_seed_alone_are_one_group() -> None:
    runs = [row("a", seed=1), row("b", learning_rate=0.03, seed=1), row("c", seed=2, num_threads=1)]
    assert [[r.id for r in group] for group in group_seeds(runs)] == [["a", "c"], ["b"]]


def test_prompts_drawn_from_the_seed_do_not_part_a_group() -> None:
    runs = [row("a", seed=1, prompt_set="p1"), row("b", seed=2, prompt_set="p2")]
    assert len(group_seeds(runs)) == 2
    drawn = {"p1": "drawn for countdown", "p2": "drawn for countdown"}
    assert len(group_seeds(runs, drawn)) == 1

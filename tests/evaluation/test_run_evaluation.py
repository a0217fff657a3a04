"""What counts as right, which models are compared, and what is said about how they were sampled."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from rft_core.config import RunConfig, make_config
from rft_core.errors import BadInputError, NotFoundError
from rft_core.evaluation.held_out import HeldOut
from rft_core.evaluation.known import BASE, get_samples
from rft_core.evaluation.records import find_newest, open_record
from rft_core.evaluation.results import Contender, Judged
from rft_core.evaluation.run_evaluation import (
    EvaluationPlan,
    find_contender,
    judge,
    plan_evaluation,
    run_evaluation,
)
from rft_core.evaluation.stated_answer import read_answer
from rft_core.jobs.pinning import pin_sets
from rft_core.model_files import find_local_folder
from rft_core.paths import get_adapter_dir
from rft_core.rewards.python_source import reward_set_from_source
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.messages import SamplingParams
from rft_core.store.evaluations import JudgedSample, find_evaluation
from rft_core.store.index import open_index
from rft_core.store.runs import add_run
from rft_core.tasks import get_task
from rft_core.types import Completion
from tests.sampling.processes import service_folder
from tests.tiny_model import make_tiny_adapter


def add_runs(runs_dir: Path, **settings: dict[str, object]) -> None:
    with open_index(runs_dir) as index:
        for run, values in settings.items():
            config = pin_sets(index, make_config({"num_prompts": 8} | values))
            add_run(index, id=run, config=config)


def test_verdicts_keep_the_shape_of_the_groups() -> None:
    task = get_task("countdown")
    rows = task.held_out(3)
    prompts = [task.prompt(row) for row in rows]
    held_out = HeldOut(task.name, "held-out", rows, prompts, task.reward_set)
    golds = [task.write_gold(row) or "" for row in rows]
    groups = [[Completion(text, (), False, 0.0) for text in (gold, "50")] for gold in golds]
    with Scorer(held_out.reward_set) as scorer:
        judged = judge(scorer, held_out, groups)
    assert judged == [[Judged(True), Judged(False)]] * 3


def test_programs_vote_with_what_they_compute() -> None:
    task = get_task("word_problems_program")
    row = {"question": "?", "answer": "6 * 7 = <<6*7=42>>42\n#### 42"}
    held_out = HeldOut(task.name, "held-out", [row], [task.prompt(row)], task.reward_set)
    programs = ["answer = 6 * 7", "answer = 40 + 2", "answer = 13", "answer = 6 /", "print(42.0)"]
    texts = [f"<think>so</think>\n<answer>\n{program}\n</answer>" for program in programs]
    with Scorer(held_out.reward_set) as scorer:
        (judged,) = judge(scorer, held_out, [[Completion(text, (), False) for text in texts]])
    assert [one.answer for one in judged] == ["42", "42", "13", "", "42"]
    assert [one.right for one in judged] == [True, True, False, False, True]
    samples = [
        JudgedSample(text, False, one.right, 9, one.answer)
        for text, one in zip(texts, judged, strict=True)
    ]
    assert [read_answer(sample) for sample in samples] == ["42", "42", "13", None, "42"]


def test_runs_of_different_models_are_not_compared(tmp_path: Path) -> None:
    add_runs(tmp_path, a={}, b={"model": "some/other"})
    with pytest.raises(BadInputError, match="different models"):
        plan_evaluation(tmp_path, ["a", "b"])
    with pytest.raises(NotFoundError, match="no adapter yet"):
        find_contender(tmp_path, "a")


def test_the_plan_says_which_rows_and_whose_settings_are_used(tmp_path: Path) -> None:
    add_runs(tmp_path, a={"temperature": 0.7, "dtype": "bfloat16"}, b={"temperature": 0.2})
    for run in ("a", "b"):
        get_adapter_dir(tmp_path, run).mkdir(parents=True)
        for name in ("adapter_config.json", "adapter_model.safetensors"):
            (get_adapter_dir(tmp_path, run) / name).touch()
    plan = plan_evaluation(tmp_path, ["a", "b"], num_prompts=7)
    assert [contender.label for contender in plan.contenders] == ["base", "a", "b"]
    assert plan.params.temperature == RunConfig(temperature=0.7).temperature
    said = plan.describe()
    assert said.startswith("countdown, 7 held-out rows")
    assert "Judged by equation" in said
    assert "settings of a: temperature 0.7" in said and "in bfloat16" in said
    told = (("base", None), ("base", 0.5), ("base", 1.0), ("a", None), ("b", 0.5), ("b", 1.0))
    shares = [plan.progress_share(label, fraction) for label, fraction in told]
    assert shares == pytest.approx([0, 1 / 6, 1 / 3, 1 / 3, 5 / 6, 1])  # loading is not measuring


def test_many_completions_are_judged_in_portions_of_time() -> None:
    """Judged at once, 400 completions of 5 ms each would not fit into the time of one batch."""
    slow = (
        "import time\n"
        "def right(completions):\n"
        "    time.sleep(0.005 * len(completions))\n"
        "    return [1.0 for _ in completions]\n"
    )
    rows = [{"n": n} for n in range(100)]
    prompts = [[{"role": "user", "content": str(n)}] for n in range(100)]
    held_out = HeldOut("t", "held-out", rows, prompts, reward_set_from_source(slow))
    groups = [[Completion("a", (), False)] * 4 for _ in rows]
    with Scorer(held_out.reward_set, timeout=1.0) as scorer:
        assert judge(scorer, held_out, groups) == [[Judged(True)] * 4] * 100


def add_adapter(runs_dir: Path, run: str, weights: bytes = b"w") -> None:
    folder = get_adapter_dir(runs_dir, run)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(weights)


class Sampled(list[tuple[str | None, int, int]]):
    """Stands in for the model, and notes what it was asked: adapter's run, how many each, seed."""

    def sample(self, client, model, prompts, n, params, *, adapter=None, on_progress=None):
        self.append((adapter and adapter.parent.name, n, params.seed))
        return [[Completion(f"{i}", (), False) for i in range(n)] for _ in prompts]


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> Sampled:
    asked = Sampled()

    def sample(*args, **named):  # a function, so that it is bound to the client as the method is
        return asked.sample(*args, **named)

    monkeypatch.setattr(GenerationClient, "sample", sample)
    return asked


def test_what_is_known_is_not_sampled_again(tmp_path: Path, sampled: Sampled) -> None:
    add_runs(tmp_path, a={}, b={})
    add_adapter(tmp_path, "a")
    add_adapter(tmp_path, "b", b"other")
    first = run_evaluation(plan_evaluation(tmp_path, ["a"], num_prompts=3), k=2)
    assert [(run, n) for run, n, _ in sampled] == [(None, 2), ("a", 2)]
    again = run_evaluation(plan_evaluation(tmp_path, ["a"], num_prompts=3), k=2)
    assert len(sampled) == 2 and again.main == first.main and again.number == first.number
    run_evaluation(plan_evaluation(tmp_path, ["a", "b"], num_prompts=3), k=2)
    assert [(run, n) for run, n, _ in sampled[2:]] == [("b", 2)], "the base is known already"


def test_more_samples_are_added_to_those_that_are_there(tmp_path: Path, sampled: Sampled) -> None:
    add_runs(tmp_path, a={})
    add_adapter(tmp_path, "a")
    run_evaluation(plan_evaluation(tmp_path, ["a"], num_prompts=3), k=2)
    longer = run_evaluation(plan_evaluation(tmp_path, ["a"], num_prompts=3), k=5)
    assert [n for _, n, _ in sampled] == [2, 2, 3, 3] and longer.main.evaluations[0].k == 5
    assert sampled[2][2] != sampled[0][2], "with other luck than the first ones"
    run_evaluation(plan_evaluation(tmp_path, ["a"], num_prompts=3), k=1)
    assert len(sampled) == 4, "the first of five are one"


def test_new_weights_under_the_same_name_are_measured_anew(
    tmp_path: Path, sampled: Sampled
) -> None:
    add_runs(tmp_path, a={})
    add_adapter(tmp_path, "a")
    first = run_evaluation(plan_evaluation(tmp_path, ["a"], num_prompts=3))
    add_adapter(tmp_path, "a", b"trained on")
    second = run_evaluation(plan_evaluation(tmp_path, ["a"], num_prompts=3))
    assert [run for run, _, _ in sampled] == [None, "a", "a"]
    assert first.number != second.number, "what was found of the other weights can still be opened"
    assert open_record(tmp_path, first.number).main.keys == first.main.keys != second.main.keys


def test_the_newest_evaluation_is_shown_again_without_sampling(
    tmp_path: Path, sampled: Sampled
) -> None:
    assert find_newest(tmp_path) is None
    add_runs(tmp_path, a={})
    add_adapter(tmp_path, "a")
    made = run_evaluation(plan_evaluation(tmp_path, ["a"], num_prompts=3), k=2)
    recalled = find_newest(tmp_path)
    assert recalled and recalled.main.evaluations == made.main.evaluations and len(sampled) == 2


def test_what_could_not_be_judged_is_judged_again(tmp_path: Path) -> None:
    task = get_task("countdown")
    rows = task.held_out(2)
    prompts = [task.prompt(row) for row in rows]
    about = (
        Contender(BASE),
        HeldOut(task.name, "held-out", rows, prompts, task.reward_set),
        SamplingParams(),
    )
    asked: list[list[list[str]]] = []
    answers = iter(
        [
            [[True, None], [None, None]],  # the sandbox fails on three of four
            [[False], [True, None]],  # they alone are judged again: it fails on one
            [[], [False]],
        ]
    )

    def sample(n: int, seed: int) -> tuple[list[list[Completion]], float]:
        return [[Completion(f"{row}.{i}", (), False) for i in range(n)] for row in range(2)], 1.0

    def judge_some(groups: Sequence[Sequence[Completion]]) -> list[list[Judged]]:
        asked.append([[one.text for one in group] for group in groups])
        return [[Judged(right) for right in group] for group in next(answers)]

    def verdicts(k: int = 2) -> list[list[bool | None]]:
        return get_samples(tmp_path, "key", about, k, sample=sample, judge=judge_some).verdicts

    assert verdicts() == [[True, None], [None, None]]
    assert verdicts() == [[True, False], [True, None]]
    assert verdicts(1) == [[True], [True]] and len(asked) == 2, "the first of each are judged"
    assert verdicts() == [[True, False], [True, False]]
    assert asked[1:] == [[["0.1"], ["1.0", "1.1"]], [[], ["1.1"]]]
    assert verdicts() == [[True, False], [True, False]] and len(asked) == 3


def test_a_real_model_is_sampled_judged_shown_again_and_sampled_on(tmp_path: Path) -> None:
    add_runs(tmp_path, a={"max_completion_length": 12})
    base = find_local_folder(RunConfig().model)
    assert base is not None
    make_tiny_adapter(base, get_adapter_dir(tmp_path, "a"))
    with service_folder(tmp_path):
        plan = plan_evaluation(tmp_path, ["a"], num_prompts=2)
        first = run_evaluation(plan, k=2)
        recalled = find_newest(tmp_path)
        assert recalled and recalled.main.evaluations == first.main.evaluations
        assert recalled.main.sampled == first.main.sampled
        base_two, tuned_two = read_groups(plan)
        assert base_two != tuned_two, "the adapter changes what is said"
        longer = run_evaluation(plan, k=3)
        base_three, tuned_three = read_groups(plan)
    assert [[group[:2] for group in groups] for groups in (base_three, tuned_three)] == [
        base_two,
        tuned_two,
    ]
    samples = [one for groups in (base_three, tuned_three) for group in groups for one in group]
    assert len(samples) == 12 and all(one.text and one.verdict is not None for one in samples)
    assert all(one.num_tokens and one.num_tokens <= 12 for one in samples)
    costs = [evaluation.cost for evaluation in longer.main.evaluations]
    assert [evaluation.k for evaluation in longer.main.evaluations] == [3, 3]
    assert all(cost.completions == 6 and cost.seconds and cost.seconds > 0 for cost in costs)
    assert costs[0].tokens == sum(one.num_tokens or 0 for group in base_three for one in group)


def read_groups(plan: EvaluationPlan) -> list[list[list[JudgedSample]]]:
    with open_index(plan.runs_dir) as index:
        found = [find_evaluation(index, plan.key(contender)) for contender in plan.contenders]
    return [[list(group) for group in evaluation.groups] for evaluation in found if evaluation]

"""Runs trained for real by other methods than GRPO, evaluated with the real generation service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest

from rft_core.errors import BadInputError
from rft_core.evaluation.run_evaluation import plan_evaluation, run_evaluation
from rft_core.export import export_run
from rft_core.paths import PROJECT_ROOT, get_adapter_dir
from rft_core.sampling.service.client import GenerationClient
from rft_core.tasks import get_task
from tests.tiny_model import make_tiny_model
from tests.tiny_run import TINY_REWARDS, add_tiny_run, live_in_process
from tests.training.test_methods import make_gold_prompts


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def runs_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    GenerationClient(tmp_path).stop()


def test_an_rloo_and_an_sft_run_are_evaluated_and_the_page_shows_it(
    model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for method in ("rloo", "sft"):
        train(runs_dir, model, method)
        plan = plan_evaluation(runs_dir, [method], num_prompts=10)
        base, tuned = run_evaluation(plan, k=2).main.evaluations
        assert (base.model, tuned.model) == ("base", method)
        assert base.n == tuned.n == 3 and tuned.source == "validation"
        assert base.unscored == tuned.unscored == 0 and tuned.versus_base is not None

    monkeypatch.setenv("RFT_RUNS_DIR", str(runs_dir))
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=90).run()
    app = app.switch_page("evaluate.py").run()
    assert not app.exception
    assert list(app.dataframe[0].value["model"]) == [
        "base",
        "custom · sft",
    ]  # what was measured last


def test_a_run_without_rewards_and_task_says_that_nothing_can_judge_it(
    model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tiny_run(
        runs_dir, model, "sft", method="sft", gold_column="gold", prompts=make_gold_prompts(),
        rewards=None, max_steps=1,
    )  # fmt: skip
    assert live_in_process(runs_dir, "sft").outcome == "finished"
    with pytest.raises(BadInputError) as caught:
        plan_evaluation(runs_dir, ["sft"])
    error = caught.value
    assert error.what == "Nothing says which completions are right"
    assert "no reward set" in error.why and "Choose a reward set" in error.fix
    other = plan_evaluation(runs_dir, ["sft"], task="countdown", num_prompts=4)
    assert other.held_out.reward_set == get_task("countdown").reward_set  # a task brings its own

    monkeypatch.setenv("RFT_RUNS_DIR", str(runs_dir))
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=90).run()
    app = app.switch_page("evaluate.py").run()
    next(button for button in app.button if button.label == "Evaluate").click().run()
    assert not app.exception
    (told,) = app.error
    assert "Nothing says which completions are right" in str(told.value)


@pytest.mark.parametrize("method", ["rloo", "sft"])
def test_what_a_method_trained_is_merged_and_answers_as_base_and_adapter_do(
    model: Path, tmp_path: Path, method: str
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    runs_dir, merged = tmp_path / "runs", tmp_path / "merged"
    train(runs_dir, model, method, learning_rate=0.05)
    export_run(runs_dir, method, merged, merged=True)
    base = AutoModelForCausalLM.from_pretrained(model)
    questions = [f"q{index}" for index in range(6)]
    tokenizer = AutoTokenizer.from_pretrained(merged)
    before = answer(base, tokenizer, questions)
    tuned = PeftModel.from_pretrained(base, get_adapter_dir(runs_dir, method))
    alone = AutoModelForCausalLM.from_pretrained(merged)
    assert not hasattr(alone, "peft_config")
    after = answer(alone, tokenizer, questions)
    assert after == answer(tuned, tokenizer, questions)
    assert after != before


def train(runs_dir: Path, model: Path, method: str, **settings: Any) -> None:
    """As much as tells it from the base."""
    if method == "sft":
        settings["gold_column"] = "gold"
    add_tiny_run(
        runs_dir, model, method, method=method, prompts=make_gold_prompts(),
        rewards=TINY_REWARDS, **{"max_steps": 2} | settings,
    )  # fmt: skip
    assert live_in_process(runs_dir, method).outcome == "finished"


def answer(model: Any, tokenizer: Any, questions: list[str]) -> list[list[int]]:
    """Greedily, to tokens."""
    answers = []
    for question in questions:
        asked = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], add_generation_prompt=True,
            return_tensors="pt", return_dict=True,
        )  # fmt: skip
        with torch.no_grad():
            made = model.generate(**asked, do_sample=False, max_new_tokens=12)
        answers.append(made[0, asked["input_ids"].shape[1] :].tolist())
    return answers

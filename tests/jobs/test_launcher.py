"""Launch, stop, resume, fork and delete, against a real supervisor with stand-in workers."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rft_core.config import RunConfig, make_config
from rft_core.data import PromptSet
from rft_core.errors import BadInputError, NotFoundError
from rft_core.jobs.checks import list_problems
from rft_core.jobs.launcher import delete, fork, launch, resume, stop, wait_for_end
from rft_core.paths import get_run_dir
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.python_source import reward_set_from_source
from rft_core.store.commands import list_commands
from rft_core.store.index import open_index
from rft_core.store.runs import get_run, list_runs
from rft_core.store.sets import ensure_set, get_set
from tests.runs_folder import WORKER, RunsFolder, await_truth


@pytest.fixture
def config() -> RunConfig:
    return make_config({"num_prompts": 8, "num_validation_prompts": 2})


def change(config: RunConfig, **values: object) -> RunConfig:
    return make_config(config.model_dump(mode="json") | values)


def test_launch_pins_prompts_and_rewards(supervised: RunsFolder, config: RunConfig) -> None:
    run_id = launch(supervised.path, change(config, max_steps=2))
    with open_index(supervised.path) as index:
        run = get_run(index, run_id)
        prompts = PromptSet.from_json(
            get_set(index, "prompts", run.config.prompt_set or "").content
        )
        rewards = RewardSet.from_json(
            get_set(index, "rewards", run.config.reward_set or "").content
        )
    assert (len(prompts.train_rows), len(prompts.validation_rows)) == (8, 2)
    assert rewards.names == ("format", "equation")
    assert wait_for_end(supervised.path, run_id, timeout=60).state == "finished"


def test_a_launch_counts_epochs_into_steps_and_a_fork_may_say_others(
    supervised: RunsFolder, config: RunConfig
) -> None:
    """8 prompts, and 8 groups of 8 a step."""
    run_id = launch(supervised.path, change(config, max_steps=2, num_train_epochs=3))
    with open_index(supervised.path) as index:
        begun = get_run(index, run_id).config
    assert (begun.max_steps, begun.num_train_epochs) == (3, None)
    assert wait_for_end(supervised.path, run_id, timeout=60).state == "finished"
    forked = fork(supervised.path, run_id, changes={"num_train_epochs": "5"})
    with open_index(supervised.path) as index:
        assert get_run(index, forked).config.max_steps == 5
    wait_for_end(supervised.path, forked, timeout=60)


def test_the_same_command_twice_is_one_run(supervised: RunsFolder, config: RunConfig) -> None:
    def click(_: int) -> str:
        return launch(supervised.path, change(config, max_steps=2), command_id="one-click")

    with ThreadPoolExecutor(4) as clicks:
        ids = set(clicks.map(click, range(4)))
    with open_index(supervised.path) as index:
        assert [run.id for run in list_runs(index)] == list(ids)
    folders = [path for path in supervised.path.iterdir() if path.is_dir()]
    assert [path.name for path in folders] == list(ids)
    wait_for_end(supervised.path, ids.pop(), timeout=60)


def test_a_configuration_with_problems_writes_nothing(
    folder: RunsFolder, config: RunConfig
) -> None:
    bad = change(config, per_device_train_batch_size=60, target_modules=["q_prj"])
    with pytest.raises(BadInputError) as caught:
        launch(folder.path, bad)
    assert "per_device_train_batch_size" in str(caught.value)
    assert "Did you mean q_proj?" in str(caught.value)
    with open_index(folder.path) as index:
        assert list_runs(index) == []
    assert not folder.find_processes("rft_core.jobs.supervisor")


def test_rewards_that_import_what_is_not_installed_are_refused_at_launch(
    folder: RunsFolder, config: RunConfig
) -> None:
    source = "def a(completions, **columns):\n    import levenstein\n    return [1.0]\n"
    rewards = reward_set_from_source(source)
    with open_index(folder.path) as index:
        ensure_set(index, "rewards", id=rewards.id, name="", content=rewards.to_json())
    with pytest.raises(BadInputError, match="imports 'levenstein' in line 2"):
        launch(folder.path, change(config, reward_set=rewards.id))
    with open_index(folder.path) as index:
        assert list_runs(index) == []


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"task": "chess"}, "task", "no task named 'chess'"),
        ({"task": "custom"}, "task", "needs a prompt set"),
        ({"prompt_set": "none-such"}, "prompt_set", "no prompt set"),
        ({"reward_set": "none-such"}, "reward_set", "no reward set"),
        ({"model": "/no/such/folder"}, "model", "no model folder"),
        ({"max_completion_length": 5000}, "max_completion_length", "context of 512"),
        ({"num_prompts": 3}, "num_prompts", "needs 8 different prompts"),
        ({"engine": "vllm"}, "engine", "vLLM"),
    ],
)
def test_every_problem_names_its_field(
    folder: RunsFolder, config: RunConfig, values: dict[str, object], field: str, words: str
) -> None:
    problems = list_problems(folder.path, change(config, **values))
    assert [p.where for p in problems if words in str(p)][:1] == [field], problems


def test_stop_is_harmless_twice_and_after_the_end(
    supervised: RunsFolder, config: RunConfig
) -> None:
    run_id = launch(supervised.path, change(config, name="endless"))
    supervised.await_step(run_id, 2)
    stop(supervised.path, run_id)
    stop(supervised.path, run_id)
    assert wait_for_end(supervised.path, run_id, timeout=60).state == "stopped"
    stop(supervised.path, run_id)
    assert supervised.get_status(run_id).state == "stopped"


def test_stopping_a_queued_run_takes_it_off_the_queue_and_resume_puts_it_back(
    supervised: RunsFolder, config: RunConfig
) -> None:
    first = launch(supervised.path, change(config, name="endless"))
    second = launch(supervised.path, change(config, max_steps=2))
    supervised.await_step(first, 1)
    stop(supervised.path, second)
    assert supervised.get_status(second).state == "stopped"
    resume(supervised.path, second)
    assert supervised.get_status(second).state == "queued"
    stop(supervised.path, first)
    assert wait_for_end(supervised.path, second, timeout=60).state == "finished"


def test_a_finished_run_cannot_be_resumed_but_forked(
    supervised: RunsFolder, config: RunConfig
) -> None:
    run_id = launch(supervised.path, change(config, max_steps=2))
    wait_for_end(supervised.path, run_id, timeout=60)
    with pytest.raises(BadInputError, match="fork it"):
        resume(supervised.path, run_id)
    child = fork(supervised.path, run_id, step=2, changes={"learning_rate": 1e-5, "max_steps": 1})
    with open_index(supervised.path) as index:
        run = get_run(index, child)
        parent = get_run(index, run_id)
    assert (run.parent_run, run.parent_step, run.config.learning_rate) == (run_id, 2, 1e-5)
    assert run.config.prompt_set == parent.config.prompt_set
    assert wait_for_end(supervised.path, child, timeout=60).state == "finished"


def test_a_fork_needs_a_checkpoint_and_cannot_change_the_adapter(
    supervised: RunsFolder, config: RunConfig
) -> None:
    run_id = launch(supervised.path, change(config, max_steps=2))
    wait_for_end(supervised.path, run_id, timeout=60)
    with pytest.raises(NotFoundError, match="Choose from 2"):
        fork(supervised.path, run_id, step=7)
    with pytest.raises(BadInputError, match="cannot change lora_r"):
        fork(supervised.path, run_id, step=2, changes={"lora_r": 4})


def test_an_active_run_is_not_deleted_and_an_ended_one_leaves_nothing(
    supervised: RunsFolder, config: RunConfig
) -> None:
    run_id = launch(supervised.path, change(config, name="endless"))
    supervised.await_step(run_id, 1)
    with pytest.raises(BadInputError, match="Stop it before"):
        delete(supervised.path, run_id)
    with pytest.raises(BadInputError, match="nothing to resume"):
        resume(supervised.path, run_id)
    stop(supervised.path, run_id)
    wait_for_end(supervised.path, run_id, timeout=60)
    delete(supervised.path, run_id)
    assert not get_run_dir(supervised.path, run_id).exists()
    with open_index(supervised.path) as index:
        assert list_runs(index) == [] and list_commands(index) == []


def test_a_new_supervisor_serves_what_the_killed_one_left(
    supervised: RunsFolder, config: RunConfig
) -> None:
    first = launch(supervised.path, change(config, name="endless"))
    second = launch(supervised.path, change(config, max_steps=2))
    supervised.await_step(first, 1)
    supervised.kill_supervisor()
    os.kill(supervised.worker_pid(first), signal.SIGKILL)
    supervised.await_state(first, "crashed")
    supervised.start_supervisor()
    assert wait_for_end(supervised.path, second, timeout=60).state == "finished"


def test_nothing_is_left_running(supervised: RunsFolder, config: RunConfig) -> None:
    run_id = launch(supervised.path, change(config, max_steps=1))
    wait_for_end(supervised.path, run_id, timeout=60)
    await_truth(lambda: not supervised.find_processes(WORKER), "the worker's end")


def test_a_run_that_does_not_exist_is_named(tmp_path: Path) -> None:
    for ask in (stop, resume, delete, fork):
        with pytest.raises(NotFoundError, match=r"no run '\.\./etc'"):
            ask(tmp_path, "../etc")

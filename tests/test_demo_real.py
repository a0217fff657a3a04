"""The demo of a real model keeps its promise: SmolLM2-135M-Instruct from the package, no hub.

It trains for a quarter of an hour on two idle cores; every number is printed. How long it takes is
not checked: it says more of the machine than of the demo.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rft_core.jobs.demo_model import ensure_instruct_model
from rft_core.sampling.service.client import GenerationClient
from rft_core.tasks import get_task
from tests.runs_folder import SUPERVISOR, RunsFolder, run_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(4 * 3600)]
POINTS_AT_LEAST = 0.10  # of pass@1 on held-out rows
END_OF_TURN = 2  # <|im_end|>; the file names 1, which begins a turn
TEXTS = (
    "Write about the sea.  Two  spaces, a tab\tand\n\na blank line; 1234567890 (3.5%)!",
    "<<title>> [name] *star* P.S. \"quoted\" 'it's' don't",
    "Größe, façade, 東京, Привет, 🙂",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunsFolder]:
    """A runs folder on a machine without the hub, with nothing that ever came from it."""
    path = tmp_path_factory.mktemp("real")
    folder = RunsFolder(path / "runs")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        environment.setenv("HF_HUB_CACHE", str(path / "cache"))
        yield folder
    if folder.path.exists():
        GenerationClient(folder.path).stop()
    for process in folder.find_processes(SUPERVISOR, "rft_core.worker"):
        process.kill()


@pytest.fixture(scope="module")
def model(folder: RunsFolder) -> str:
    """From the package, with the hub out of reach, fetched by the command as a user starts it."""
    run_command(folder.path, "demo", "real")
    name = ensure_instruct_model(folder.path)
    assert Path(name).parent == folder.path / "models"
    return name


def test_its_tokens_are_the_models_own(model: str) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    for text in TEXTS:
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert tokenizer("Hello world, it is 2024.")["input_ids"] == [
        19556, 905, 28, 357, 314, 216, 34, 32, 34, 36, 30,
    ]  # fmt: skip
    turns = [{"role": "user", "content": "Hello"}]
    asked = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
    assert tokenizer.decode(asked).endswith("Hello<|im_end|>\n<|im_start|>assistant\n")
    assert asked.count(END_OF_TURN) == 2 == asked.count(1) - 1  # the system's turn, the user's
    assert tokenizer.eos_token_id == tokenizer.pad_token_id == END_OF_TURN


def test_it_knows_what_it_knew_before_it_was_a_file(model: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, policy = (
        kind.from_pretrained(model) for kind in (AutoTokenizer, AutoModelForCausalLM)
    )
    turns = [{"role": "user", "content": "What is the capital of France?"}]
    asked = tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.inference_mode():
        answer = policy.generate(**asked, max_new_tokens=40, do_sample=False)[0]
    written = answer[asked["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(written)
    assert written[-1] == END_OF_TURN


def test_it_learns_to_follow_instructions_that_it_never_saw(
    folder: RunsFolder, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    base, tuned = run_command(folder.path, "demo", "real", "--evaluate")["rows"]
    run = tuned["model"]
    shown = run_command(folder.path, "show", run)
    low, high = tuned["difference_ci"]
    with capsys.disabled():
        print(
            f"\n{run}: {shown['state']}, {shown['step']} steps in {shown['duration']:.0f} s\n"
            f"  held out, {tuned['n']} prompts x {tuned['k']}: base {base['pass@1']:.3f}, "
            f"tuned {tuned['pass@1']:.3f}, difference {tuned['difference']:+.3f} "
            f"({low:+.3f} to {high:+.3f}), p = {tuned['p_value']:.2g}"
        )
    assert shown["state"] == "finished"
    assert (tuned["n"], tuned["k"]) == (200, 4)
    assert low > 0 and tuned["difference"] >= POINTS_AT_LEAST
    row = get_task("instructions-easy").held_out(1)[0]
    answers = run_command(folder.path, "ask", run, "--row", json.dumps(row), "--n", "4")["answers"]
    assert [answer["model"] for answer in answers].count(run) == 4 == len(answers) - 4
    assert all(answer["completion"].strip() for answer in answers if answer["model"] == run)

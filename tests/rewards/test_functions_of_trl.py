"""Reward functions as they are written for TRL: messages, the trainer's state, its columns."""

from dataclasses import fields

import pytest
from transformers import TrainerState

from rft_core.rewards.scorer import Scorer
from rft_core.sandbox.programs.reward_source import STATE
from tests.rewards.scoring_cases import make_batch, python_set, report, run, scores


def test_conversational_modules_get_message_lists():
    source = """
CONVERSATIONAL = True
def f(completions, **columns):
    return [len(completion[0]["content"]) for completion in completions]
"""
    assert scores(run(source, "abc")) == [3.0]


def test_the_state_has_every_field_of_transformers():
    assert STATE.keys() == {field.name for field in fields(TrainerState)}


@pytest.mark.parametrize(("step", "max_steps", "share"), [(None, None, 0.0), (7, 10, 0.7)])
def test_the_trainers_state_is_there_in_training_and_outside(step, max_steps, share):
    source = """
def f(completions, trainer_state, **columns):
    assert trainer_state.is_world_process_zero and trainer_state.log_history == []
    return [trainer_state.global_step / trainer_state.max_steps for _ in completions]
"""
    with Scorer(python_set(source)) as scorer:
        scoring = scorer.score(make_batch("a"), global_step=step, max_steps=max_steps)
    assert scores(scoring) == [share]


def test_a_column_that_no_row_has_is_named_with_those_there_are():
    scoring = run("def f(completions, ground_truth, **k): return [1.0]", "a")
    assert "'ground_truth', which no row has: the columns are nums, target" in report(scoring).error


@pytest.mark.parametrize("read", ["k['ground_truth']", "k['reward_model']['ground_truth']"])
def test_a_column_that_is_looked_up_in_vain_is_named_too(read):
    scoring = run(f"def f(completions, **k): return {read}", "a")
    assert "no row has it. The columns are nums, target" in report(scoring).error
    scoring = run("def f(completions, **k): return {}['a key of mine']", "a")
    assert "columns" not in report(scoring).error


def test_a_source_may_ask_where_it_is():
    scoring = run(
        "import os\nHERE = os.path.dirname(__file__)\ndef f(completions): return [1]", "a"
    )
    assert scores(scoring) == [1.0]


@pytest.mark.parametrize(
    "deed",
    [
        "open('/etc/passwd').read()",
        "open('data.json').read()",
        "socket.socket().connect(('1.1.1.1', 80))",
        "socket.gethostbyname('example.com')",
        "urllib.request.urlopen('http://1.1.1.1')",
        "subprocess.run(['ls'])",
        "multiprocessing.Pool(2)",
        "concurrent.futures.ProcessPoolExecutor(2).submit(len, '').result()",
    ],
)
def test_what_the_sandbox_refuses_is_said_to_be_refused_by_it(deed):
    imports = "concurrent.futures, multiprocessing, socket, subprocess, urllib.request"
    scoring = run(f"import {imports}\ndef f(completions): {deed}; return [1.0]", "a")
    assert scores(scoring) == [None] and "sandbox refuses" in report(scoring).error


@pytest.mark.parametrize(
    "read",
    ["c[0]['content']", "c[-1]['content']", "c[0].get('content', '')",
     "''.join(m['content'] for m in c)", "next(m['content'] for m in c if m['role'] != 'user')"],
)  # fmt: skip
def test_functions_that_read_messages_get_them(read):
    source = f"def f(completions, **k): return [len({read}) for c in completions]"
    assert scores(run(source, "abc", "de")) == [3.0, 2.0]


def test_functions_that_swallow_the_error_of_reading_messages_get_them_too():
    source = """
def f(completions, **k):
    found = []
    for c in completions:
        try:
            found.append(float("a" in c[0]["content"]))
        except TypeError:
            found.append(0.0)
    return found
"""
    assert scores(run(source, "xab", "de")) == [1.0, 0.0]


def test_texts_are_texts_in_every_other_way():
    source = """
import collections, json, re
def f(completions, prompts, **k):
    assert prompts[0][0]["content"] == "prompt 0"
    c = completions[0]
    assert isinstance(c, str) and c == "abca" and {c: 1}["abca"] and json.dumps(c) == '"abca"'
    assert c[0] == "a" and c[-1] == "a" and c[1:3] == "bc" and c[0].upper() == "A"
    assert list(c) == ["a", "b", "c", "a"] and collections.Counter(c)["a"] == 2
    assert re.findall("a", c) and c[0] + c[1] == "ab" and sorted(set(c)) == ["a", "b", "c"]
    return [1.0]
"""
    scoring = run(source, "abca")
    assert report(scoring).error is None and scores(scoring) == [1.0]


TINY = """LlamaForCausalLM(LlamaConfig(hidden_size=16, intermediate_size=16, num_hidden_layers=1,
    num_attention_heads=2, num_key_value_heads=2, vocab_size=16))"""


@pytest.mark.parametrize(
    ("imports", "deed"),
    [
        ("tempfile", "tempfile.NamedTemporaryFile().close()"),
        ("torch, tempfile", "torch.save(torch.ones(3), tempfile.NamedTemporaryFile())"),
        ("torch, tempfile", "os.rmdir(tempfile.mkdtemp())"),
        ("torch._inductor.runtime.cache_dir_utils as c", "c.default_cache_dir()"),
        ("transformers", "transformers.AutoTokenizer, transformers.pipeline"),
        ("peft, tempfile\nfrom transformers import LlamaConfig, LlamaForCausalLM",
         f"peft.get_peft_model({TINY}, peft.LoraConfig(target_modules=['q_proj']))"
         ".save_pretrained(tempfile.mkdtemp())"),
        ("trl", "trl.GRPOTrainer"),
    ],
)  # fmt: skip
def test_libraries_that_keep_files_find_a_folder_to_write_to(imports, deed):
    source = f"""
import os, {imports}
def f(completions, **k):
    {deed}
    import tempfile as t
    assert os.path.samefile(t.gettempdir(), os.getcwd())
    return [1.0]
"""
    scoring = run(source, "a", timeout=60)
    assert report(scoring).error is None and scores(scoring) == [1.0]


@pytest.mark.parametrize(
    "deed",
    [
        "open('/etc/passwd').read()",
        "open(os.path.dirname(os.getcwd()) + '/left_behind', 'w')",
        "tempfile.NamedTemporaryFile(dir='/tmp')",
        "tempfile.NamedTemporaryFile(dir=os.path.dirname(os.getcwd()))",
        "os.listdir(os.path.dirname(os.getcwd()))",
        "transformers.AutoTokenizer.from_pretrained('gpt2')",
    ],
)
def test_libraries_open_no_door_to_the_host_or_the_network(deed):
    source = f"import os, tempfile, transformers\ndef f(completions): {deed}; return [1.0]"
    scoring = run(source, "a", timeout=60)
    assert scores(scoring) == [None] and report(scoring).error_kind == "exception"

"""A chat turn through the generation service beside what one would write without it.

    python benchmarks/chat.py [--model embedded/countdown] [--turns 8] [--new 80] [--pairs 7]

`generate` calls: transformers' own, on the base and on the PEFT model, one after the other. Bare
decoding: the ordinary loop (the model's own forward, token by token) over the base, in process and
without a word of text. Mixed batch: the same loop over both rows at once, each with PEFT's adapter
for it, as the service decoded before it had a loop of its own. The service is a process of its own,
and its socket, JSON and text are counted. Tokens per second of wall time, and per CPU second of
both processes. What is printed is also written to benchmarks/results.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import psutil  # noqa: E402
import torch  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402

from benchmarks.in_turn import (  # noqa: E402
    Arm,
    describe,
    describe_command,
    describe_ratio,
    describe_setting,
    measure_in_turn,
    publish,
)
from rft_core.sampling.adapters import BASE  # noqa: E402
from rft_core.sampling.chat_template import render_prompt  # noqa: E402
from rft_core.sampling.decoding.loop import SampledRow, decode  # noqa: E402
from rft_core.sampling.decoding.plain_reader import PlainReader  # noqa: E402
from rft_core.sampling.end_tokens import get_end_tokens  # noqa: E402
from rft_core.sampling.loading.models import load_base  # noqa: E402
from rft_core.sampling.service.client import GenerationClient  # noqa: E402
from rft_core.sampling.service.messages import Lane, LaneDone, SamplingParams  # noqa: E402
from rft_core.tasks import get_task  # noqa: E402
from rft_core.types import Messages  # noqa: E402

BARE = "bare decoding, base"
MIXED = "PEFT's mixed batch, base + tuned"
COMPARED = [  # ours, and what it is held against
    ("service, base + tuned", MIXED),
    ("service, base + tuned", "generate, base then tuned"),
    ("service, base", "generate, base"),
    ("service, tuned", "generate, tuned"),
    ("service, base", BARE),
    ("service, tuned", BARE),
]


def save_adapter(model_name: str, folder: Path) -> Path:
    """One that does something, as training would leave it."""
    torch.manual_seed(0)
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(load_base(model_name)[0], config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.01)
    model.save_pretrained(folder, save_embedding_layers=False)
    return folder


class Chats:
    """The same conversations, answered in different ways; each gives the number of tokens."""

    def __init__(self, options: argparse.Namespace, runs_dir: Path, adapter: Path) -> None:
        from peft import PeftModel

        self._model, self._new = options.model, options.new
        self._base, self._tokenizer = load_base(options.model)
        self._tuned = PeftModel.from_pretrained(load_base(options.model)[0], adapter).eval()
        self._ends = get_end_tokens(self._base, self._tokenizer)
        task = get_task(options.task)
        self._asked = [
            task.template.render(row) for row in task.make_rows("train", options.turns, 0)
        ]
        self._client = GenerationClient(runs_dir)
        self._base_lane, self._tuned_lane = Lane("base"), Lane("tuned", adapter)

    def make_arms(self) -> dict[str, Arm]:
        base, tuned = self._base_lane, self._tuned_lane
        return {
            "generate, base then tuned": lambda seed: self._generate(
                [self._base, self._tuned], seed
            ),
            "generate, base": lambda seed: self._generate([self._base], seed),
            "generate, tuned": lambda seed: self._generate([self._tuned], seed),
            BARE: lambda seed: self._decode(self._base, [None], seed),
            MIXED: lambda seed: self._decode(self._tuned, [BASE, "default"], seed),
            "service, base + tuned": lambda seed: self._ask([base, tuned], seed),
            "service, base": lambda seed: self._ask([base], seed),
            "service, tuned": lambda seed: self._ask([tuned], seed),
        }

    def read_cpu(self) -> float:
        status = self._client.status()
        times = psutil.Process(status.pid).cpu_times() if status else None
        return time.process_time() + (times.user + times.system if times else 0)

    def stop(self) -> None:
        self._client.stop()

    def _params(self, seed: int) -> SamplingParams:
        return SamplingParams(max_completion_length=self._new, seed=seed)

    def _prompt(self, messages: Messages) -> list[int]:
        return list(render_prompt(self._tokenizer, messages)[1])

    def _ask(self, lanes: Sequence[Lane], seed: int) -> int:
        return sum(
            len(event.completion.token_ids)
            for messages in self._asked
            for event in self._client.stream(self._model, messages, lanes, self._params(seed))
            if isinstance(event, LaneDone)
        )

    @torch.no_grad()
    def _generate(self, models: Sequence[Any], seed: int) -> int:
        torch.manual_seed(seed)
        written = 0
        for messages in self._asked:
            ids = torch.tensor([self._prompt(messages)])
            for model in models:
                both = model.generate(
                    input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=True,
                    temperature=1.0, top_p=1.0, top_k=0, max_new_tokens=self._new,
                    pad_token_id=self._tokenizer.pad_token_id,
                )  # fmt: skip
                written += both.shape[1] - ids.shape[1]
        return written

    def _decode(self, model: Any, adapters: Sequence[str | None], seed: int) -> int:
        """A row for each of these, in one batch."""
        written = 0
        for messages in self._asked:
            prompt = tuple(self._prompt(messages))
            rows = [SampledRow(prompt, 0, adapter) for adapter in adapters]
            steps = decode(PlainReader(model), rows, self._params(seed), self._ends)
            written += sum(len(tokens) for tokens in steps)
        return written


def measure(options: argparse.Namespace) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        adapter = save_adapter(options.model, Path(folder) / "adapter")
        chats = Chats(options, Path(folder) / "runs", adapter)
        try:
            turns = measure_in_turn(chats.make_arms(), options.pairs, chats.read_cpu)
        finally:
            chats.stop()
    wall = {name: [turn.per_second for turn in each] for name, each in turns.items()}
    cpu = {name: [turn.per_cpu_second for turn in each] for name, each in turns.items()}
    lines = ["| | tokens/s | per CPU second |", "|---|---|---|"]
    lines += [
        f"| {name} | {describe(wall[name], ',.0f')} | {describe(cpu[name], ',.0f')} |"
        for name in turns
    ]
    lines += ["", "| ratio | wall | CPU |", "|---|---|---|"]
    lines += [
        f"| {ours} / {theirs} | {describe_ratio(wall[ours], wall[theirs])} "
        f"| {describe_ratio(cpu[ours], cpu[theirs])} |"
        for ours, theirs in COMPARED
    ]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="embedded/countdown", help="or a folder")
    parser.add_argument("--task", default="countdown", help="whose prompts")
    parser.add_argument("--turns", type=int, default=8, help="conversations in a measurement")
    parser.add_argument("--new", type=int, default=80, help="tokens at most")
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    table = measure(options)
    name = Path(options.model).name
    head = (
        f"# Chat through the service: {name}\n\n{describe_setting()}\n\n"
        f"`{describe_command(sys.argv)}`: medians (min-max) of "
        f"{options.pairs} pairs; ratios pair by pair.\n"
    )
    publish(f"chat-{name}", "\n".join([head, *table]))


if __name__ == "__main__":
    main()

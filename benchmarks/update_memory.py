"""The memory and time of one update: by TRL's own pass, sparingly by it, and with shared prompts.

    python benchmarks/update_memory.py [--layers 30] [--pairs 5] [--dtype bfloat16] [--prompt 100]

A model of SmolLM2-135M's shape with random weights, its LoRA adapter, and the rows of the preset
"SmolLM2 demo": 4 prompts x 8 completions of 48 tokens, every one of which teaches. Each way lives
in a process of its own and makes an update when told to: A B C, then C B A, after one that is not
counted. `sparingly` is TRL's pass as runs make it on a CPU where prompts cannot be shared. `peak`
is the most that was resident during its updates (`VmHWM`), `held` what malloc had given out at
most; what lies between them is memory that malloc keeps. What is printed is also written to
benchmarks/results.
"""

from __future__ import annotations

import argparse
import ctypes
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: E402
from peft import get_peft_model  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402
from trl.trainer.utils import add_fused_lm_head  # noqa: E402

from benchmarks.in_turn import (  # noqa: E402
    describe,
    describe_command,
    describe_ratio,
    describe_setting,
    publish,
)
from rft_core.config import PRESETS, make_config  # noqa: E402
from rft_core.training.recorded import score_sparingly  # noqa: E402
from rft_core.training.saving.adapter_files import make_lora_config  # noqa: E402
from rft_core.training.update.shared_prompt import PaddedRows, score_completions  # noqa: E402

TRL, SPARING, SHARED = "TRL's pass", "sparingly", "shared prompts"
WAYS = (TRL, SPARING, SHARED)
MIB, NO_LABEL = 2**20, -100


@dataclass(frozen=True)
class Update:
    """Seconds of its work, and MiB so far: resident at most, and given out by malloc at most."""

    cpu: float
    peak: float
    held: float


class MallocInfo(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd",
            "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


class HeldWatch:
    """The most that malloc has given out, looked at every hundredth of a second."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None)
        self._libc.mallinfo2.restype = MallocInfo
        self.most = 0.0
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            info = self._libc.mallinfo2()
            self.most = max(self.most, (info.uordblks + info.hblkhd) / MIB)
            time.sleep(0.01)


def make_model(options: argparse.Namespace) -> Any:
    config = make_config(PRESETS["SmolLM2 demo"])
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=49152, hidden_size=576, intermediate_size=1536, tie_word_embeddings=True,
        num_hidden_layers=options.layers, num_attention_heads=9, num_key_value_heads=3,
    )  # fmt: skip
    base: Any = LlamaForCausalLM(shape).to(getattr(torch, options.dtype))
    add_fused_lm_head(base, temperature=config.temperature, outputs=("log_probs", "entropy"))
    return get_peft_model(base, make_lora_config(config)).train()


def make_rows(options: argparse.Namespace) -> PaddedRows:
    config, start = make_config(PRESETS["SmolLM2 demo"]), options.prompt
    rng = torch.Generator().manual_seed(0)
    count, group = config.generation_batch_size, config.num_generations
    ids = torch.randint(49152, (count, start + config.max_completion_length), generator=rng)
    ids[:, :start] = ids[::group, :start].repeat_interleave(group, dim=0)
    return PaddedRows(ids, torch.ones_like(ids), start)


def read(way: str, model: Any, rows: PaddedRows, temperature: float) -> torch.Tensor:
    """The log probabilities, with a gradient."""
    if way == SHARED:
        return score_completions(model, rows, temperature).logprobs
    labels = rows.ids.clone()
    labels[:, : rows.start] = NO_LABEL
    scored = model(input_ids=rows.ids, attention_mask=rows.mask, labels=labels, fused_lm_head=True)
    logprobs: torch.Tensor = scored.log_probs[:, -rows.completion_mask.shape[1] :]
    return logprobs


def live(way: str, options: argparse.Namespace, pipe: Any) -> None:
    """The life of one way's process."""
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    if way == SPARING:
        score_sparingly()
    model, rows, watch = make_model(options), make_rows(options), HeldWatch()
    temperature = make_config(PRESETS["SmolLM2 demo"]).temperature
    is_coarse = options.dtype == "bfloat16"
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # VmHWM begins anew
    while pipe.recv() == "go":
        began = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=is_coarse):
            read(way, model, rows, temperature).mean().backward()
        model.zero_grad()
        pipe.send(Update(time.process_time() - began, read_peak(), watch.most))


def read_peak() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def measure(options: argparse.Namespace) -> dict[str, list[Update]]:
    context, pipes = multiprocessing.get_context("spawn"), {}
    for way in WAYS:
        pipes[way], theirs = context.Pipe()
        context.Process(target=live, args=(way, options, theirs), daemon=True).start()
    updates: dict[str, list[Update]] = {way: [] for way in WAYS}
    for pair in range(options.pairs + 1):
        for way in WAYS if pair % 2 == 0 else reversed(WAYS):
            pipes[way].send("go")
            update = pipes[way].recv()
            if pair:
                updates[way].append(update)
                print(f"{way}: {update}", file=sys.stderr, flush=True)
    for pipe in pipes.values():
        pipe.send("stop")
    return updates


def tabulate(updates: dict[str, list[Update]]) -> Iterator[str]:
    head = " | ".join(f"{way} | / {TRL}" for way in WAYS[1:])
    yield f"| | {TRL} | {head} |"
    yield f"|---|---|{'---|' * 2 * len(WAYS[1:])}"
    for name, form in (("cpu", ".2f"), ("peak", ".0f"), ("held", ".0f")):
        theirs = [getattr(update, name) for update in updates[TRL]]
        cells = [describe(theirs, form)]
        for way in WAYS[1:]:
            ours = [getattr(update, name) for update in updates[way]]
            cells += [describe(ours, form), describe_ratio(ours, theirs)]
        unit = "CPU seconds" if name == "cpu" else f"{name}, MiB"
        yield f"| {unit} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--layers", type=int, default=30, help="30: SmolLM2-135M's")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--prompt", type=int, default=100, help="tokens")
    parser.add_argument("--dtype", default="bfloat16", choices=["float32", "bfloat16"])
    options = parser.parse_args()
    updates = measure(options)
    head = (
        "# The memory and time of one update: TRL's pass, sparingly, shared prompts\n\n"
        f"{describe_setting()}\n\n`{describe_command(sys.argv)}`: a random model of "
        f"SmolLM2-135M's shape with {options.layers} layers, {options.dtype}, LoRA on all linear "
        f"layers; 4 prompts of {options.prompt} tokens x 8 completions of 48, all with a gradient. "
        f"Medians (min-max) of {options.pairs} pairs; ratios pair by pair.\n"
    )
    publish("update-memory", "\n".join([head, *tabulate(updates)]))


if __name__ == "__main__":
    main()

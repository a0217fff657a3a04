"""Make a Qwen2 of 31.5 million random weights: a layer's shape with biases, at a size for a CPU.

    python benchmarks/random_model.py TOKENIZER_FOLDER NEW_FOLDER

The tokenizer and its chat template are taken from a model folder; the vocabulary is as large as it
has words (SmolLM2's: 49152). `step.py` was given such a one: it says how fast, never how well.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM


def make_random_qwen2(tokenizer_folder: Path, folder: Path, seed: int = 0) -> int:
    """The same weights for the same seed. Returns their number."""
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    pad = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=384,
        intermediate_size=1024,
        num_hidden_layers=8,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=pad,
    )
    torch.manual_seed(seed)
    model = Qwen2ForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return int(model.num_parameters())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tokenizer", type=Path, help="a model folder")
    parser.add_argument("folder", type=Path, help="where to write it")
    options = parser.parse_args()
    count = make_random_qwen2(options.tokenizer, options.folder)
    print(f"{count / 1e6:.1f} million weights in {options.folder}")


if __name__ == "__main__":
    main()

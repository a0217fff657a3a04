"""A GGUF file of a small Llama, written as llama.cpp's converter writes it: for tests of any layer.

As many files do, it names the wrong token as the end: the one that begins a turn.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
TURN_BEGINS = "<|assistant|>"


def write_gguf(model_folder: Path, file: Path) -> Path:
    """The model of that folder as `file`, its weights not quantised."""
    model = AutoModelForCausalLM.from_pretrained(model_folder)
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    writer = gguf.GGUFWriter(file, "llama")
    _write_shape(writer, model.config)
    _write_tokenizer(writer, tokenizer)
    for name, weight in model.state_dict().items():
        writer.add_tensor(_rename(name), _as_stored(name, weight, model.config))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _write_shape(writer: gguf.GGUFWriter, config: object) -> None:
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)


def _write_tokenizer(writer: gguf.GGUFWriter, tokenizer: object) -> None:
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    special = set(tokenizer.all_special_tokens)
    kinds = gguf.TokenType
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([kinds.CONTROL if t in special else kinds.NORMAL for t in tokens])
    writer.add_token_scores([0.0] * len(tokens))  # of which the merges are found: none
    writer.add_bos_token_id(tokens.index(TURN_BEGINS))
    writer.add_eos_token_id(tokens.index(TURN_BEGINS))
    writer.add_chat_template(tokenizer.chat_template)


def _rename(name: str) -> str:
    top = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    module = name.removesuffix(".weight")
    if module in top:
        return f"{top[module]}.weight"
    _, _, layer, part = module.split(".", 3)
    return f"blk.{layer}.{NAMES[part]}.weight"


def _as_stored(name: str, weight: torch.Tensor, config: object) -> np.ndarray:
    """llama.cpp keeps the two halves of each rotated head interleaved."""
    array = weight.numpy()
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for part, count in heads.items():
        if f"{part}." in name:
            halves = array.reshape(count, 2, -1, array.shape[1])
            array = halves.swapaxes(1, 2).reshape(array.shape)
    return np.ascontiguousarray(array)

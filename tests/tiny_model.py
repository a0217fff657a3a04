"""A random model of a few thousand weights, saved like a hub snapshot: for tests of any layer.

Its tokenizer works on bytes, so that one emoji is several tokens.
"""

from __future__ import annotations

from pathlib import Path

CHAT_TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def make_tiny_model(
    folder: Path,
    *,
    chat_template: str | None = CHAT_TEMPLATE,
    seed: int = 0,
    positions: int = 512,
    endless: bool = False,
) -> Path:
    """A two-layer Llama of width 32 with random weights, and its tokenizer, in `folder`.

    It ends a text with one token of 261 at random; where it is `endless` (nearly) never.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _make_tokenizer(chat_template)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=positions,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.3,  # large enough for the next token to depend on the text
    )
    model = LlamaForCausalLM(config)
    if endless:  # beside large numbers of either sign a 0 is never likely
        with torch.no_grad():
            model.lm_head.weight *= 4
            model.lm_head.weight[tokenizer.eos_token_id] = 0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_two_letter_model(folder: Path, *, seed: int = 0) -> Path:
    """A tiny model that has learned to answer anything with eight random letters, a or b.

    It ends by itself, and what it writes can be judged at a glance: for tests of taste.
    """
    import random

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    make_tiny_model(folder, seed=seed)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    rng, count = random.Random(seed), 8
    for _ in range(120):
        answers = ["".join(rng.choices("ab", k=count)) for _ in range(32)]
        texts = [f"<|user|>q{rng.randrange(99)}<|end|><|assistant|>{a}<|end|>" for a in answers]
        batch = tokenizer(texts, return_tensors="pt", padding=True, padding_side="left")
        labels = batch.input_ids.clone()
        labels[:, : -count - 1] = -100  # the answer and its end alone
        model(**batch, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    return folder


def make_tiny_adapter(base: Path, folder: Path, *, seed: int = 1) -> Path:
    """A LoRA adapter for `base` that changes what it says, in `folder`."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base, dtype="float32"),
        LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    for name, weight in model.named_parameters():
        if "lora_B" in name:  # starts at zero, which would be no change at all
            torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(folder)
    return folder


def _make_tokenizer(chat_template: str | None):  # type: ignore[no-untyped-def]
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({char: i for i, char in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|pad|>"
    )
    fast.add_special_tokens({"extra_special_tokens": ["<|user|>", "<|assistant|>", "<|system|>"]})
    fast.chat_template = chat_template
    return fast

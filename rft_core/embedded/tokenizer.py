"""The embedded models' tokenizer: byte-level BPE, every tag a token.

Merges may cross spaces, so a fixed prompt template shrinks to a few dozen tokens, and bytes are
the fallback, so any text encodes and decodes exactly. The tags decode like ordinary text: a
reward function must see them. This file trains a tokenizer; it knows nothing of any task.
"""

import re
from collections.abc import Iterable, Sequence

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

PAD, END = "<|pad|>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
LONGEST_TOKEN = 24  # characters: longer ones would tie the model to one wording of the template

# A message is its role, its text and, when an assistant wrote it, the end mark.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|' + message['role'] + '|>' + message['content'] -}}"
    "{%- if message['role'] == 'assistant' -%}{{- '<|end|>' -}}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)


def train_tokenizer(
    texts: Iterable[str], vocab_size: int, tags: Sequence[str], pieces: str
) -> PreTrainedTokenizerFast:
    """A tokenizer of at most `vocab_size` tokens, its merges learned from `texts`.

    `pieces` is a regular expression: no token reaches across the ends of what it matches.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pieces), behavior="isolated"),
            pre_tokenizers.Split(Regex(r"\n"), behavior="merged_with_previous"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(tags),
        special_tokens=[PAD, END, *ROLES],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=LONGEST_TOKEN,
        show_progress=False,
    )
    untagged = (part for text in texts for part in re.split("|".join(tags), text))
    tokenizer.train_from_iterator(untagged, trainer)
    # Not as special tokens: decoding a completion drops those.
    tokenizer.add_tokens([AddedToken(tag, normalized=False, special=False) for tag in tags])
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )
    wrapped.chat_template = CHAT_TEMPLATE
    return wrapped

"""Commands about what people bring and the index keeps: prompts, rewards, pairs, judgements."""

"""What an update computes from completions, with each prompt read once."""

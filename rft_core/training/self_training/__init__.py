"""Methods that learn those of their own completions that are right, word for word."""

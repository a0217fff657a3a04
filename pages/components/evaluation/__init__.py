"""The Evaluate page's parts: what to compare, what was found, what changed, and files of it."""

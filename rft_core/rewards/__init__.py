"""Reward functions: their vocabulary, the built-in graders, and how several make one reward."""

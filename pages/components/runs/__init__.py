"""A run on a page: its state, its curves, what can be done with it."""

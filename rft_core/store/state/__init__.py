"""A run's state: the evidence there is, the rules over it, and what a page shows of it."""

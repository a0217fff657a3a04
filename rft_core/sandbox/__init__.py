"""Where code that people wrote runs: in a jail, tried before use, and killed at its deadline."""

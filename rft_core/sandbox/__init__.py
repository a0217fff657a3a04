"""Where code that people wrote runs: in a child process, killed at its deadline."""

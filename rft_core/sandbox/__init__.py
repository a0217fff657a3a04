"""The place where code that people or models wrote runs: a child process, killed at its deadline."""

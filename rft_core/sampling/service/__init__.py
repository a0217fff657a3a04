"""The resident generation service: a process that keeps a model, and the client that asks it."""

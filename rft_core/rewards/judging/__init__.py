"""Grading by an LLM judge behind any OpenAI-compatible endpoint."""

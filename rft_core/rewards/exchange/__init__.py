"""Rewards in other people's forms: OpenAI grader JSON and TRL modules, in and out."""

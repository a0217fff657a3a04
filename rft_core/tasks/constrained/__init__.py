"""Prompts with constraints that a program can check, each with a text that keeps them all."""

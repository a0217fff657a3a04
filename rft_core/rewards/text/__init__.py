"""Graders of text: its form, its length, its likeness to a gold text, instructions kept."""

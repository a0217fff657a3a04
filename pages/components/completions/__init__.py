"""Completions on a page: cards, lists, filters, and answers side by side."""

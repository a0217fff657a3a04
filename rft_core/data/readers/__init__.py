"""Readers: a file or a hub dataset becomes a table of rows, every complaint with its place."""

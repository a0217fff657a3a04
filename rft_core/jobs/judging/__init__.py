"""Judging a run: what is read of it for the rules in `diagnosis`, and what these then say."""

"""The schemas of the three databases: append-only lists of named migrations."""

"""Runs held against each other: what differs in them, and on which rows one got worse or better."""

"""Reward functions: their vocabulary, the built-in graders, and how several make one reward.

Begin with `contract.py` (what a grade, an entry and a reward set are), `scorer.py` (a batch scored
by a whole set) and `shaping.py` (flags, gates, bounds, groups). `registry.py` lists every built-in
grader and `grader_info.py` says what kinds there are. Graders stand in the folder of their family:
`text`, `answers`, `structured`, `code`, `judge`, `triton`. `jailed` is what runs behind the walls;
`exchange` takes reward sets to other people's forms and back.
"""

"""Reward functions: their vocabulary, the built-in graders, and how several make one reward.

Begin with `contract.py` (what a grade, an entry and a reward set are), `composition.py` (a batch
scored by a whole set) and `shaping.py` (flags, gates, bounds, groups). `graders.py` lists every
built-in grader and `grader_info.py` says what kinds there are. A grader that fits one file stands
beside them (`format.py`, `equation.py`, `matching.py` ...); those that do not have packages:
`programs`, `kernels` and `judging`. `exchange` takes reward sets to other people's forms and back.
"""

"""Measuring models on held-out rows: pass@k, majority vote, intervals, paired differences.

`run_evaluation.py` evaluates runs by name: on the rows that `held_out.py` finds, by the procedure
of `suite.py`, with the figures of `metrics.py` and of `rft_core.statistics`.
"""

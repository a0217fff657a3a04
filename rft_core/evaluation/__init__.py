"""Measuring models on held-out rows: pass@k, majority vote, intervals, paired differences.

`run_evaluation.py` evaluates runs by name: on the rows that `held_out.py` finds, by the procedure
of `suite.py`, with the figures of `metrics.py` and `significance.py`. Two neighbours score outside
of training: `dry_run.py` before a run, and `rescore.py` with other rewards after it.
"""

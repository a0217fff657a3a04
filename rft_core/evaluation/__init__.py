"""Measuring models on held-out rows: pass@k, votes, best-of-k, intervals, paired differences.

`run_evaluation.py` evaluates runs by name: on the rows that `held_out.py` finds, with samples that
`known.py` keeps, measured by `suite.py` with the figures of `metrics.py` and `rft_core.statistics`.
`records.py` opens what was found again, `changes.py` finds the rows that changed, `report.py` and
`report_files.py` say all that in words, tables and files.
"""

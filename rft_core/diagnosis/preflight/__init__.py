"""Preflight: what a dry run says of the first training step, and what stands in its way.

`report.py` is the door: `check_dry_run` puts the parts together. Its input is `dry_run_data.py`,
what was sampled and scored. `forecast.py` predicts what the first step will record, with the
intervals of `intervals.py`; `prompts.py` says which prompts teach, `answers.py` which completions
hold no answer; `warnings.py` names what is wrong, with its cause and its cure.
"""

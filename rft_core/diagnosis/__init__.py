"""Judgements over scores, metrics and answers: pure functions that read no database.

`preflight` judges a dry run and `probes` a reward set, both before training; `doctor.py` reads a
run's curves while it trains; `method_advice.py` says whether to train with rewards at all.
"""

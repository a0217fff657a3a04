"""Measuring models on held-out rows: pass@k, majority vote, intervals, paired differences."""

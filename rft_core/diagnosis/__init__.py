"""Judgements over scores, metrics and answers: pure functions that read no database."""

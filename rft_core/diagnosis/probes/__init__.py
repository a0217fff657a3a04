"""Probes: attack a reward set before training, and say what pays."""

"""Preflight: what a dry run says of the first training step, and what stands in its way."""

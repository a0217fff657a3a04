"""What the text of a Triton program shows, behind one door: `find_violations`."""

from rft_core.rewards.triton.reading.violations import find_violations

__all__ = ["find_violations"]

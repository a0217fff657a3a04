"""Grading Triton kernels: the source's rules, its execution and compilation, the comparison."""

"""Grading Triton kernels: the source's rules, its execution and compilation, the comparison.

Begin with `graders.py` (what is paid) and `execution.py` (the layers that a program goes through).
Then the layers: `source.py` reads a completion; `reading/` looks for what no kernel needs in its
syntax tree; `inputs.py` and `reference.py` make the tests, with `rounding.py` for how far an honest
kernel may be off; `programs.py` asks the jailed interpreter and compiler; `evidence.py` judges what
the interpreter saw, by `comparison.py`; `compilation.py` judges whether it compiles. `format.py` is
a grader by itself.
"""

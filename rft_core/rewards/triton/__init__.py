"""Grading Triton kernels: the source's rules, its execution and compilation, the comparison.

Begin with `graders.py` (what is paid) and `execution.py` (the layers that a program goes through).
Then the layers: `source.py` reads a completion; `rules.py` looks for cheats in its syntax tree, by
the words in `vocabulary.py`; `inputs.py` and `reference.py` make the tests; `programs.py` asks the
jailed interpreter and compiler; `evidence.py` judges what the interpreter saw, by `comparison.py`;
`compilation.py` judges whether it compiles. `rules.py` leans on `decorator_rules.py`,
`body_rules.py` (kernels) and `host_rules.py`, a small abstract interpreter made of `kinds.py`,
`expression_rules.py`, `call_rules.py` and `result_rules.py`. `format.py` is a grader by itself.
"""

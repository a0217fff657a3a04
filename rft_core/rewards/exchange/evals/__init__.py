"""Evals of other tools as prompts and rewards: OpenAI's Evals, and Promptfoo's configurations.

`eval_file.py` is the door: it reads the text (`eval_text.py`) and knows the tool by its keys.
OpenAI's come in through `openai_evals.py`, Promptfoo's through `promptfoo.py`. What a file becomes
is an `ImportedEval`, with every part that cannot come along named by its path.
"""

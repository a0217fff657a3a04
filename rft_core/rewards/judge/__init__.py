"""Grading by an LLM judge behind any OpenAI-compatible endpoint.

`judge.py` is the grader: it makes a question of each completion and a grade of each verdict. It
asks through `chat_endpoint.py`, which retries and counts tokens, reads the answer with `reply.py`,
and asks nothing twice thanks to `cache.py`.
"""

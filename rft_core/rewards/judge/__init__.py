"""Grading by an LLM judge behind any OpenAI-compatible endpoint.

`judge.py` is the grader. `inquiries.py` says what a batch asks: by `question.py` of a completion,
by `ranking.py` of a whole group. `asking.py` asks it all through `chat_endpoint.py`, which retries
and counts tokens, at the pace of `rate_limit.py`; `keys.py` says where an API key may go. Nothing
is asked twice thanks to `cache.py`, and `report.py` says how it went.
"""

"""Grading by an LLM judge behind any OpenAI-compatible endpoint.

`judge.py` is the grader. `question.py` makes a question of each completion and reads the reply,
`chat_endpoint.py` asks, retries and counts tokens, `keys.py` says where an API key may go, and
nothing is asked twice thanks to `cache.py`.
"""

"""Rewards in other people's forms: OpenAI grader JSON and TRL modules, in and out.

`reward_files.py` is the door for files that people bring. OpenAI's graders come in through
`openai_spec.py` (their shape) and `openai_graders.py` (what they mean here), go out through
`openai_export.py`, and those of text are graded by `openai_text.py`. TRL modules go out through
`trl_module.py`, which puts the built-in graders' own code (`standalone.py`) and a few helpers
(`trl_runtime.py`) beside the functions.
"""

"""Training a policy: methods over TRL's trainers, a LoRA adapter, recorded whole and resumable.

`recorded.py` and `rollouts.py` are the two halves of a trainer, `grpo.py` and its neighbours the
methods, `recorder.py` what a run leaves behind, `saving/` how it survives. The process that
runs all this is `rft_core/worker.py`.
"""

"""Training a policy: GRPO with a LoRA adapter, recorded whole and resumable.

`grpo.py` is the trainer, `recorder.py` what it leaves behind, `checkpoints.py` how it survives.
The process that runs all this is `rft_core/worker.py`.
"""

"""Sampling completions from a resident base model with switchable LoRA adapters.

Pages and the command line use `service/client.py` and `service/messages.py`, which are torch-free;
the models live in the generation service, one process per runs folder, started on demand.
"""

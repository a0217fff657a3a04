"""What turns gradients into changes of the weights, and the schedule of its rate."""

from typing import Literal

from rft_core.config.fields import declare
from rft_core.config.settings.frozen import Frozen

Optimizer = Literal[
    "adamw_torch_fused", "adamw_torch", "adamw_bnb_8bit", "paged_adamw_8bit", "adafactor",
    "rmsprop", "adagrad", "sgd",
]  # fmt: skip
OF_BITSANDBYTES = ("adamw_bnb_8bit", "paged_adamw_8bit")


class OptimizerSettings(Frozen):
    optim: Optimizer = declare(
        "Policy update", "adamw_torch_fused", "Optimizer, by transformers' name.",
        trl=True, advanced=True,
    )  # fmt: skip
    adam_beta1: float = declare(
        "Policy update", 0.9, "AdamW's decay of the mean of gradients.",
        trl=True, ge=0, lt=1, advanced=True,
    )  # fmt: skip
    adam_beta2: float = declare(
        "Policy update", 0.999, "AdamW's decay of the mean of their squares.",
        trl=True, ge=0, lt=1, advanced=True,
    )  # fmt: skip
    adam_epsilon: float = declare(
        "Policy update", 1e-8, "AdamW's smallest divisor.", trl=True, ge=1e-12, le=1, advanced=True
    )
    max_grad_norm: float = declare(
        "Policy update", 1.0, "Gradient clipping.", trl=True, ge=1e-4, le=1000, advanced=True
    )
    weight_decay: float = declare(
        "Policy update", 0.0, "AdamW's decay.", trl=True, ge=0, le=1, advanced=True
    )
    lr_scheduler_type: Literal["constant", "constant_with_warmup", "linear", "cosine"] = declare(
        "Policy update", "constant_with_warmup", "Learning rate schedule.", trl=True
    )
    warmup_steps: int = declare(
        "Policy update", 5, "Steps of warm-up.", trl=True, ge=0, le=1_000_000
    )

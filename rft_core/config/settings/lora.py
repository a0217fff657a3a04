"""The adapter that is trained."""

from rft_core.config.fields import Names, declare
from rft_core.config.settings.frozen import Frozen

# PPO's ratio is that of one policy before and after an update: dropout would make it two of it.
WITH_DROPOUT = ("grpo", "rloo", "examples", "self_training", "pairs")


class LoraSettings(Frozen):
    lora_r: int = declare("LoRA", 16, "Rank.", ge=1, le=1024)
    lora_alpha: int = declare(
        "LoRA", 32, "Scale: the update is multiplied by alpha / r.", ge=1, le=4096
    )
    lora_dropout: float = declare(
        "LoRA", 0.0, "Dropout on the adapter's input.",
        methods=WITH_DROPOUT, ge=0, le=0.9,
    )  # fmt: skip
    target_modules: Names = declare(
        "LoRA", ("all-linear",), "Layers that get an adapter; 'all-linear' for every linear layer."
    )
    use_rslora: bool = declare(
        "LoRA", False, "Scale by alpha / sqrt(r) (rank-stabilised LoRA).", advanced=True
    )
    use_dora: bool = declare(
        "LoRA", False, "Learn the length of each weight's rows apart (DoRA): slower sampling.",
        advanced=True,
    )  # fmt: skip
    modules_to_save: Names = declare(
        "LoRA", (), "Layers trained whole beside the adapter and saved with it; empty: none.",
        advanced=True,
    )  # fmt: skip

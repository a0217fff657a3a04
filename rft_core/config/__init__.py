"""One declaration per hyperparameter, the methods that read them, and stages made of methods."""

from rft_core.config.epochs import describe_epochs, has_epochs, settle_epochs
from rft_core.config.loading import (
    changed_fields,
    complete_stages,
    make_config,
    parse_assignments,
    parse_yaml,
    restore_config,
    to_yaml,
    without_unread,
    write_assignments,
)
from rft_core.config.methods import METHODS, Method, describe_methods, get_method
from rft_core.config.presets import PRESETS
from rft_core.config.run_config import (
    MOST_VLLM_RANK,
    RunConfig,
    extra_of,
    stage_settings,
    trl_settings,
    uses,
)
from rft_core.config.stages import (
    RECIPES,
    Stage,
    StagePlan,
    read_stages,
    write_epochs,
    write_stages,
)
from rft_core.config.written import write_setting

__all__ = [
    "METHODS", "MOST_VLLM_RANK", "PRESETS", "RECIPES", "Method", "RunConfig", "Stage", "StagePlan",
    "changed_fields", "complete_stages", "describe_epochs", "describe_methods", "extra_of",
    "get_method", "has_epochs", "make_config", "parse_assignments", "parse_yaml", "read_stages",
    "restore_config", "settle_epochs", "stage_settings", "to_yaml", "trl_settings", "uses",
    "without_unread", "write_assignments", "write_epochs", "write_setting", "write_stages",
]  # fmt: skip

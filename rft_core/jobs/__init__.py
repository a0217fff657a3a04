"""Jobs: starting, stopping, resuming, forking and deleting runs. Loads no torch.

What pages and the command line call is here; `supervisor.py` is the process that answers.

    run_id = launch(runs_dir, make_config({"task": "countdown"}), command_id=new_command_id())
    status = wait_for_end(runs_dir, run_id)
"""

from rft_core.jobs.checks import (
    get_sandbox_report,
    list_judge_calls,
    list_problems,
    list_warnings,
    settle_length,
)
from rft_core.jobs.column_building import ensure_columns
from rft_core.jobs.demos import DEMOS, launch_demo
from rft_core.jobs.exporting import cancel_export, start_export
from rft_core.jobs.judge_calls import JudgeCalls
from rft_core.jobs.launcher import (
    delete,
    ensure_commands_are_served,
    fork,
    kill,
    launch,
    new_command_id,
    prepare_launch,
    resume,
    stop,
    wait_for_end,
)
from rft_core.jobs.pinning import store_pair_set, store_prompt_set
from rft_core.jobs.rescoring import cancel_rescore, start_rescore
from rft_core.jobs.row_problems import find_row_problems
from rft_core.sandbox.tiers import REFUSAL, TIERS, SandboxReport

__all__ = [
    "DEMOS",
    "REFUSAL",
    "TIERS",
    "JudgeCalls",
    "SandboxReport",
    "cancel_export",
    "cancel_rescore",
    "delete",
    "ensure_columns",
    "ensure_commands_are_served",
    "find_row_problems",
    "fork",
    "get_sandbox_report",
    "kill",
    "launch",
    "launch_demo",
    "list_judge_calls",
    "list_problems",
    "list_warnings",
    "new_command_id",
    "prepare_launch",
    "resume",
    "settle_length",
    "start_export",
    "start_rescore",
    "stop",
    "store_pair_set",
    "store_prompt_set",
    "wait_for_end",
]

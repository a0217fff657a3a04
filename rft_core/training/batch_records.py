"""What is stored of a scored batch, and whether training may go on after it. Pure functions.

A step without any score teaches nothing, and a sandbox that fails is not to be trained over for
hours: then the run pauses, and the step is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from rft_core.rewards.sampled_batch import SampledBatch
from rft_core.store.run_writer import GenerationRecord

MOST_DEAD_SERVERS = 3  # of the sandbox's, in a row: as many as end a batch
MOST_OUR_FAILURES = 0.01  # share of a step's completions that the sandbox may fail on
SHOWN = 5


def list_generations(
    batch: SampledBatch, advantages: Sequence[float] | None, num_generations: int
) -> list[GenerationRecord]:
    """One record per completion, in sampling order. Only training has advantages."""
    return [
        GenerationRecord(
            group_index=index // num_generations,
            sample_index=index % num_generations,
            prompt_position=batch.positions[index],
            completion=batch.completions[index],
            num_tokens=len(batch.completion_ids[index]),
            truncated=batch.truncated[index],
            reward=sample.reward,
            advantage=advantages[index] if advantages else None,
            scores=sample.scores,
            reasons=sample.reasons,
            flags=sample.flags,
            evidence=sample.evidence,
        )
        for index, sample in enumerate(batch.samples)
    ]


def find_reason_to_pause(batch: SampledBatch) -> str:
    """Why the run needs attention after this batch; empty if it can go on."""
    return _explain_our_failures(batch) or _explain_unscored(batch)


def _explain_our_failures(batch: SampledBatch) -> str:
    failed = sorted({index for report in batch.reports for index in report.unscored_by_us})
    count = len(batch.samples)
    in_a_row = max((report.dead_servers for report in batch.reports), default=0)
    if len(failed) <= MOST_OUR_FAILURES * count and in_a_row < MOST_DEAD_SERVERS:
        return ""
    named = ", ".join(str(index) for index in failed[:SHOWN])
    more = f" and {len(failed) - SHOWN} more" if len(failed) > SHOWN else ""
    name = next(report.name for report in batch.reports if report.unscored_by_us)
    return (
        f"The sandbox failed on {len(failed)} of {count} completions (samples {named}{more}; "
        f"{name}: {batch.samples[failed[0]].reasons[name]}); {in_a_row} of its servers died in a "
        "row. These completions are unscored, not zero. Look at the log and at "
        "`python -m rft_core sandbox`, then resume"
    )


def _explain_unscored(batch: SampledBatch) -> str:
    if not batch.samples or any(sample.reward is not None for sample in batch.samples):
        return ""
    errors = [f"{report.name}: {report.error}" for report in batch.reports if report.error]
    cause = "; ".join(errors) or "every reward function returned None"
    return f"No completion of a whole step could be scored ({cause}). Mend the rewards, then resume"

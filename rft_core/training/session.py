"""One attempt at a run: load the model, build the trainer, train, leave the adapter behind.

The order of things, and nothing else: how each is done is in the files beside this one. Processes,
locks and what happens to errors are `worker.py`'s.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from rft_core.config import RunConfig
from rft_core.data.prompt_set import PromptSet
from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.chat_template import render_prompt
from rft_core.sampling.end_tokens import get_end_tokens
from rft_core.sampling.models import load_base
from rft_core.store.run_writer import Outcome, PromptRecord, RunWriter, Split
from rft_core.training.adapter_files import load_adapter_weights, save_adapter
from rft_core.training.checkpoints import Resumable, publish_folder
from rft_core.training.grpo import TrainingPrompts, make_trainer
from rft_core.training.recorder import Recorder
from rft_core.training.run_trainer import RunTrainer
from rft_core.training.stop import StopRequest
from rft_core.types import Row


@dataclass(frozen=True)
class Session:
    """What an attempt starts from. `elapsed` (seconds) and `tokens`: what earlier ones spent."""

    config: RunConfig
    prompts: PromptSet
    rewards: RewardSet
    checkpoints_dir: Path
    adapter_dir: Path
    resume: Resumable
    initial_adapter: Path | None = None
    elapsed: float = 0.0
    tokens: int = 0


def train(session: Session, writer: RunWriter, stop: StopRequest) -> tuple[Outcome, str]:
    """Train to the end, or until a stop is asked for; the outcome and its reason."""
    config, first_step = session.config, session.resume.step

    def show_loading(message: str, fraction: float | None = None) -> None:
        writer.set_progress("loading", message, step=first_step, max_steps=config.max_steps)

    model, tokenizer = load_base(config.model, config.dtype, show_loading)
    show_loading("preparing the prompts")
    prompts = make_training_prompts(session.prompts, tokenizer, _completion_room(model, config))
    writer.ensure_prompts([*prompts.train, *prompts.validation])
    show_loading("preparing the trainer")
    with Scorer(session.rewards, timeout=config.reward_timeout) as scorer:
        writer.set_sandbox_tier(scorer.sandbox_tier)
        recorder = Recorder(
            writer,
            scorer,
            config,
            {"train": prompts.train, "validation": prompts.validation},
            end_ids=get_end_tokens(model, tokenizer),
            step=first_step,
            elapsed=session.elapsed,
            tokens=session.tokens,
        )
        trainer = make_trainer(
            config, model, tokenizer, prompts=prompts, recorder=recorder, stop=stop,
            checkpoints_dir=session.checkpoints_dir, initial_adapter=session.initial_adapter,
        )  # fmt: skip
        _train_on(trainer, session, stop)
    if recorder.needs_attention:
        return "needs_attention", recorder.needs_attention
    if recorder.step < config.max_steps:
        return "stopped", f"Stopped after step {recorder.step}"
    _leave_adapter(trainer, session)
    return "finished", ""


def make_training_prompts(
    prompt_set: PromptSet, tokenizer: Any, room: int | None = None
) -> TrainingPrompts:
    """Every prompt as the model will see it. `room`: the most tokens that a prompt may have."""
    if not prompt_set.train_rows:
        raise BadInputError(
            "There is nothing to train on",
            "All rows of the prompt set are validation rows",
            "Import it again with a smaller validation share",
        )
    return TrainingPrompts(
        _make_records("train", prompt_set, prompt_set.train_rows, tokenizer, room),
        _make_records("validation", prompt_set, prompt_set.validation_rows, tokenizer, room),
    )


def _make_records(
    split: Split, prompt_set: PromptSet, rows: Sequence[Row], tokenizer: Any, room: int | None
) -> list[PromptRecord]:
    records = []
    for position, (row, messages) in enumerate(zip(rows, prompt_set.prompts(rows), strict=True)):
        text, token_ids = render_prompt(tokenizer, messages)
        if room is not None and len(token_ids) > room:
            raise BadInputError(
                f"Prompt {position + 1} of the {split} rows has {len(token_ids)} tokens",
                f"The model's context leaves {room} beside max_completion_length",
                "Shorten the prompt or lower max_completion_length",
            )
        records.append(PromptRecord(split, position, row, messages, text))
    return records


def _completion_room(model: PreTrainedModel, config: RunConfig) -> int | None:
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return context and context - config.max_completion_length


def _train_on(trainer: RunTrainer, session: Session, stop: StopRequest) -> None:
    """From step 0 with a first validation, or on from the checkpoint."""
    resume = session.resume
    if resume.step >= session.config.max_steps and resume.path:
        load_adapter_weights(trainer.model, resume.path, session.config)
        return  # only the last words were missing
    if resume.path is None and session.config.eval_steps and len(trainer.validation):
        trainer.evaluate()  # nothing to lose yet: a stop interrupts it
    stop.defer()
    trainer.train(resume_from_checkpoint=str(resume.path) if resume.path else None)


def _leave_adapter(trainer: RunTrainer, session: Session) -> None:
    temporary = session.adapter_dir.with_name(".unfinished-adapter")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    save_adapter(trainer.model, temporary)
    publish_folder(temporary, session.adapter_dir, {"step": session.config.max_steps})

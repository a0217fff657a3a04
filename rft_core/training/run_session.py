"""One attempt at a run: load the model, train stage after stage, leave the adapter behind.

The order of things, and nothing else: how each is done is in the files beside this one. Processes,
locks and what happens to errors are `worker.py`'s.
"""

from __future__ import annotations

import gc
import importlib
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from transformers import PreTrainedModel

from rft_core.config import RunConfig, StagePlan, get_method, uses
from rft_core.data.pair_set import PairSet
from rft_core.data.prompt_set import PromptSet
from rft_core.paths import SCORE_HEAD_FILE, name_checkpoint
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.grader_context import OpenRewardModel
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.end_tokens import get_end_tokens
from rft_core.sampling.loading.models import load_base
from rft_core.store.run_writer import Outcome
from rft_core.tasks.gold import list_gold
from rft_core.training.mirror import mirrored
from rft_core.training.preflight import is_wanted, run_preflight
from rft_core.training.prompts import TrainingPrompts, make_training_prompts
from rft_core.training.recorded import Recorded, StageParts
from rft_core.training.recorder import Recorder
from rft_core.training.reward_watch import StepMeans
from rft_core.training.run_sink import RunSink, SilentSink, choose_sink
from rft_core.training.saving.checkpoints import Resumable, copy_weights, publish_folder
from rft_core.training.stop import StopRequest
from rft_core.training.validating import StageEnded

RANK = "RANK"  # set by torchrun and accelerate, where several processes train one policy
ShowLoading = Callable[..., None]


@dataclass(frozen=True)
class RunSession:
    """What an attempt starts from. `elapsed` (seconds), `tokens` and `phases` (seconds by phase):
    what earlier ones spent; `past_rewards`: what their steps earned, of each reward function;
    `validated_steps`: after which of them there was a whole validation; `past_measures`: what these
    found of the measure by which the best step is known.
    `has_preflight`: an earlier one has made it.

    `rewards` may be None for methods that learn without them: then nothing is validated.
    """

    config: RunConfig
    prompts: PromptSet
    rewards: RewardSet | None
    checkpoints_dir: Path
    adapter_dir: Path
    resume: Resumable
    initial_adapter: Path | None = None
    elapsed: float = 0.0
    tokens: int = 0
    phases: Mapping[str, float] = field(default_factory=dict)
    pairs: PairSet | None = None
    open_reward_model: OpenRewardModel | None = None
    past_rewards: StepMeans = field(default_factory=dict)
    validated_steps: Collection[int] = ()
    has_preflight: bool = False
    past_measures: Mapping[int, float] = field(default_factory=dict)


def train(session: RunSession, sink: RunSink, stop: StopRequest) -> tuple[Outcome, str]:
    """Train to the end, or until a stop is asked for; the outcome and its reason."""
    config, first_step = session.config, session.resume.step
    sink = choose_sink(sink, is_first=os.environ.get(RANK, "0") == "0")

    def show_loading(message: str, fraction: float | None = None) -> None:
        sink.set_progress("loading", message, step=first_step, max_steps=config.max_steps)

    with ExitStack() as stack:
        if config.report_to and not isinstance(sink, SilentSink):
            sink = stack.enter_context(mirrored(sink, config, session.checkpoints_dir.parent))
        if session.rewards is None:
            return _train_stages(session, sink, None, stop, show_loading)
        scorer = stack.enter_context(
            Scorer(
                session.rewards,
                timeout=config.reward_timeout,
                open_reward_model=session.open_reward_model,
            )
        )
        sink.set_sandbox_tier(scorer.sandbox_tier)
        return _train_stages(session, sink, scorer, stop, show_loading)


def _train_stages(
    session: RunSession,
    sink: RunSink,
    scorer: Scorer | None,
    stop: StopRequest,
    show_loading: ShowLoading,
) -> tuple[Outcome, str]:
    """What is left of the run, each stage with a freshly loaded base: as if it had been resumed."""
    config = session.config
    recorder: Recorder | None = None
    prompts: TrainingPrompts | None = None
    for plan in _list_stages_to_go(session):
        model, tokenizer = load_base(
            config.model, config.dtype, show_loading, bits=config.weight_bits
        )
        if recorder is None or prompts is None:
            show_loading("preparing the prompts")
            prompts = make_training_prompts(
                session.prompts, tokenizer, _completion_room(model, config),
                config.chat_template_kwargs, most_validated=config.num_validation_prompts,
                seed=config.seed,
            )  # fmt: skip
            recorder = Recorder(
                sink, scorer, config, prompts, tokenizer,
                end_tokens=get_end_tokens(model, tokenizer), step=session.resume.step,
                elapsed=session.elapsed, tokens=session.tokens, phases=session.phases,
                past_rewards=session.past_rewards, past_measures=session.past_measures,
            )  # fmt: skip
        show_loading(f"preparing {get_method(plan.config.method).title}")
        recorder.begin_stage(plan)
        trainer = make_stage_trainer(
            StageParts(
                plan, model, tokenizer, prompts, recorder, stop, session.checkpoints_dir,
                _find_initial_adapter(session, plan), _list_gold(session, plan), session.pairs,
                session.validated_steps,
            )
        )  # fmt: skip
        _train_stage(trainer, session, stop)
        if recorder.needs_attention:
            return "needs_attention", recorder.needs_attention
        if stop.is_set and recorder.step < config.max_steps:
            return "stopped", f"Stopped after step {recorder.step}"
        if early := recorder.best_watch.find_reason_to_end():
            recorder.tell("early_stop", early)
        if early or recorder.step >= config.max_steps:
            _leave_adapter(trainer, session)
        if early and recorder.step < config.max_steps:
            return "finished", early
        del trainer, model
        gc.collect()  # the next stage loads its own base: two would not fit where one just does
    return "finished", ""


def make_stage_trainer(parts: StageParts) -> Recorded:
    """The trainer of the stage's method, which its row of the registry names."""
    module, _, function = get_method(parts.config.method).trainer.partition(":")
    trainer: Recorded = getattr(importlib.import_module(module), function)(parts)
    return trainer


def _list_stages_to_go(session: RunSession) -> list[StagePlan[RunConfig]]:
    """From the stage after the last step that was saved. The last of all is never left out."""
    plans = list(session.config.plan_stages())
    left = [plan for plan in plans if plan.first_step + plan.config.max_steps > session.resume.step]
    return left or plans[-1:]  # only the last words were missing


def _find_initial_adapter(session: RunSession, plan: StagePlan[RunConfig]) -> Path | None:
    """The policy that the stages before left, or else the one that the run was forked from."""
    before = list(session.config.plan_stages())[: plan.number]
    for earlier in reversed(before):
        if get_method(earlier.config.method).leaves == "policy":
            end = earlier.first_step + earlier.config.max_steps
            return session.checkpoints_dir / name_checkpoint(end)
    begun_with = session.initial_adapter
    if begun_with and get_method(plan.config.method).leaves == "policy":
        return None if (begun_with / SCORE_HEAD_FILE).is_file() else begun_with
    return begun_with


def _list_gold(session: RunSession, plan: StagePlan[RunConfig]) -> list[str | None]:
    """Of each training prompt, for methods that learn from it; None where it is not known."""
    config, prompts = plan.config, session.prompts
    if not uses(get_method(config.method), "gold_column"):
        return []
    return list_gold(
        prompts.train_rows,
        task=prompts.task or config.task,
        column=config.gold_column,
        reasoning=config.gold_reasoning,
        required=config.needs_gold,
    )


def _completion_room(model: PreTrainedModel, config: RunConfig) -> int | None:
    context: int | None = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    longest = max(plan.config.max_completion_length for plan in config.plan_stages())
    return context - longest if context else None


def _train_stage(trainer: Recorded, session: RunSession, stop: StopRequest) -> None:
    """From its first step, the run's first validation before it, or on from the checkpoint."""
    resume, first_step = session.resume, trainer.parts.plan.first_step
    if resume.step >= session.config.max_steps and resume.path:
        trainer.load_weights(resume.path)
        return  # only the last words were missing
    if resume.path is None and first_step == 0:  # nothing to lose yet: a stop interrupts it
        if is_wanted(trainer) and not session.has_preflight:
            run_preflight(trainer)
        if trainer.validates:
            trainer.evaluate()
    stop.defer()
    trainer.prepare()
    if stop.is_set or trainer.recorder.needs_attention:
        return  # what the stage before has left is where the run goes on
    goes_on = resume.path is not None and resume.step > first_step
    with suppress(StageEnded):
        trainer.train(resume_from_checkpoint=str(resume.path) if goes_on else None)


def _leave_adapter(trainer: Recorded, session: RunSession) -> None:
    """What the run ends with: the newest weights, or those of its best step."""
    best = trainer.recorder.best_watch.kept
    if best:
        shutil.rmtree(session.adapter_dir, ignore_errors=True)
        copy_weights(
            session.checkpoints_dir / name_checkpoint(best.step), session.adapter_dir,
            {"step": best.step}, f"The best checkpoint, of step {best.step},",
        )  # fmt: skip
        trainer.recorder.tell(
            "best_step", f"Ends with step {best.step}, the best at validation: {best.value:.4g}"
        )
        return
    temporary = session.adapter_dir.with_name(".unfinished-adapter")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    trainer.save_weights(temporary)
    publish_folder(temporary, session.adapter_dir, {"step": session.config.max_steps})

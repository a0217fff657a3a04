"""What Monitor shows of a run at one moment: read once for all who watch it."""

from dataclasses import dataclass

from pages.components.completions.view import pick_telling_group
from pages.components.runs.curves import read_curves
from pages.components.runs.pulse_route import get_revision
from pages.components.shared_reads import shared_reads
from rft_core.figures import Curves
from rft_core.jobs.judging.judge import RunJudgement, judge_run
from rft_core.paths import get_runs_dir
from rft_core.store.generations import StoredGeneration, StoredPrompt, get_prompts, list_generations
from rft_core.store.index import open_index
from rft_core.store.phase_times import PhaseTimes, get_phase_times
from rft_core.store.run_reader import Checkpoint, get_progress, has_database, open_run
from rft_core.store.runs import RunRow
from rft_core.store.search import GenerationFilter
from rft_core.store.state.status import RunStatus, get_run_status

NEWEST_STEPS = 20  # whose time is looked at, as a run's pace is
NOTHING_SAID = RunJudgement()
LARGEST_STRIP = 512  # completions of a step that are looked through for the most telling group


@dataclass(frozen=True, eq=False)
class RunLook:
    """`written_at`: when the worker last wrote, in seconds since the epoch. `times`: where the time
    of its newest steps went, and that of all; nothing before the first, and of old runs.
    `judgement`: what is to be said of it.
    """

    revision: str
    status: RunStatus
    curves: Curves
    checkpoints: list[Checkpoint]
    written_at: float | None
    times: tuple[PhaseTimes, ...] = ()
    judgement: RunJudgement = NOTHING_SAID


def look_at(run: RunRow) -> RunLook:
    """Raises `RftError` for a run that is gone. One that cannot be read has no curves."""
    revision = get_revision(run.id)
    key = ("look", get_runs_dir(), run.id, run.created_at)
    return shared_reads().get(key, revision, lambda known: _read(run, revision, known))


def _read(run: RunRow, revision: str, known: RunLook | None) -> RunLook:
    folder = get_runs_dir()
    with open_index(folder) as index:
        status = get_run_status(index, folder, run.id)
    if status.state == "unreadable":
        return RunLook(revision, status, Curves(), [], None)
    curves, checkpoints = read_curves(run.id, known.curves if known else None)
    if not has_database(folder, run.id):
        return RunLook(revision, status, curves, checkpoints, None)
    with open_run(folder, run.id) as db:
        progress = get_progress(db)
        newest, whole = get_phase_times(db, window=NEWEST_STEPS), get_phase_times(db)
    times = tuple(times for times in (newest, whole) if times)
    if newest == whole:
        times = times[:1]
    written_at = progress.updated_at if progress else None
    judgement = judge_run(folder, run, status.step, curves)
    return RunLook(revision, status, curves, checkpoints, written_at, times, judgement)


Strip = tuple[list[StoredGeneration], dict[int, StoredPrompt]]


def read_telling_group(run: RunRow, revision: str, *, step: int, split: str) -> Strip:
    """The most telling group of a step, best first, and its prompts."""

    def read(known: Strip | None) -> Strip:
        if not has_database(get_runs_dir(), run.id):
            return [], {}
        at_step = GenerationFilter(step=step, split=split)
        with open_run(get_runs_dir(), run.id) as db:
            found = pick_telling_group(list_generations(db, at_step, limit=LARGEST_STRIP))
            return found, get_prompts(db, {generation.prompt_id for generation in found})

    key = ("strip", get_runs_dir(), run.id, run.created_at, step, split)
    return shared_reads().get(key, revision, read)

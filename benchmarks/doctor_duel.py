"""The doctor beside `rldoctor` on the same logs: scenarios, broken runs, and healthy ones.

    python benchmarks/doctor_duel.py [--broken RUNS_DIR] [--healthy RUNS_DIR ...] [--make RUNS_DIR]
                                     [--every 10] [--to FILE]

`rldoctor` (the module `rl_doctor`, a development dependency) knows nine ailments and ships twelve
simulated runs, one of them healthy, with what should be found in each. Both read each log up to the
same steps, every `--every` of them, as somebody would who watches. The first step from which it
says the right thing counts. Two bars: all that is said (their INFO, our advice), and warnings or
worse. `--make`: train the broken and the healthy runs there first (`doctor_runs.py`).
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import pandas as pd  # noqa: E402
from rl_doctor import diagnosis as theirs  # noqa: E402
from rl_doctor.detectors.base import Severity as TheirSeverity  # noqa: E402
from rl_doctor.ingest.base import run_from_records  # noqa: E402
from rl_doctor.simulate import EXPECTED_DETECTIONS, SCENARIOS, simulate  # noqa: E402

from rft_core.diagnosis.doctor import RunEvidence, diagnose  # noqa: E402
from rft_core.figures import Curves, extend_curves  # noqa: E402

Record = Mapping[str, float]
COLUMNS = ["id", "step", "split", "name", "value", "elapsed", "tokens"]
# Their detectors in our words: what a scenario's expected detection is called here.
IN_OUR_WORDS: Mapping[str, tuple[str, ...]] = {
    "entropy_collapse": ("entropy_floor",),
    "saturated_groups": ("all_right", "saturated"),
    "too_hard": ("all_wrong",),
    "reward_hacking": ("validation_gap", "hacking"),
    "length_hacking": ("length_drift",),
    "truncation": ("truncated",),
    "kl_blowup": ("kl_explosion",),
    "clip_saturation": ("clip_saturation",),
    "grad_spikes": ("gradient_spikes",),
    "plateau": ("plateau",),
    "format_domination": ("owns_variance",),
}
# Our kinds in their words: which of their detectors would name what a broken run has.
IN_THEIR_WORDS: Mapping[str, tuple[str, ...]] = {
    "flat": ("advantage_collapse",), "all_wrong": ("advantage_collapse",),
    "all_right": ("advantage_collapse",), "unscored": (),
    "identical": ("entropy_collapse", "advantage_collapse"),
    "truncated": ("length_pathology",), "length_drift": ("length_pathology",),
    "collapse": ("plateau", "kl_drift"), "too_fast": ("gradient_pathology",),
    "kl_explosion": ("kl_drift",), "hacking": ("reward_hacking",),
    "dead_component": ("reward_composition",), "owns_variance": ("reward_composition",),
    "clip_saturation": ("clip_saturation",), "weights_still": ("gradient_pathology",),
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What one doctor says of a log: kinds, and those that are warnings or worse."""

    all: frozenset[str]
    alarms: frozenset[str]


@dataclass(frozen=True)
class Log:
    """A log that both can read. `ours` and `theirs`: what names it right; () for a healthy one.

    `read`: what our doctor is told of the first so many steps.
    """

    name: str
    steps: int
    records: Sequence[Record]
    config: Mapping[str, Any]
    read: Callable[[int], RunEvidence]
    ours: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Score:
    """First steps at which one doctor named a log right, by either bar; None: never."""

    said_at: int | None
    alarmed_at: int | None
    at_the_end: Said


def ask_ours(log: Log, step: int) -> Said:
    found = diagnose(log.read(step))
    return Said(
        frozenset(f.kind for f in found),
        frozenset(f.kind for f in found if f.severity != "info"),
    )


def ask_theirs(log: Log, step: int) -> Said:
    records = [record for record in log.records if record["step"] <= step]
    run = run_from_records(records, config=dict(log.config), name=log.name, source="log")
    found = [f for f in theirs.diagnose(run).findings if f.severity >= TheirSeverity.INFO]
    return Said(
        frozenset(f.detector for f in found),
        frozenset(f.detector for f in found if f.severity >= TheirSeverity.WARNING),
    )


def score(log: Log, ask: Callable[[Log, int], Said], right: Sequence[str], every: int) -> Score:
    """Every so many steps, from the first."""
    said_at = alarmed_at = None
    said = Said(frozenset(), frozenset())
    for step in sorted({*range(1, min(every, log.steps)), *range(every, log.steps, every),
                        log.steps}):  # fmt: skip
        said = ask(log, step)
        if said_at is None and said.all & set(right):
            said_at = step
        if alarmed_at is None and said.alarms & set(right):
            alarmed_at = step
    return Score(said_at, alarmed_at, said)


def read_scenario(name: str, steps: int = 400, seed: int = 0) -> Log:
    """One of theirs, in our names: `eval/accuracy` is the reward of a validation."""
    records, config = simulate(name, n_steps=steps, seed=seed)
    rows = [
        (at, int(record["step"]) + 1, *_translate(key), float(value), 0.0, 0)
        for record in records
        for at, (key, value) in enumerate(record.items())
        if key != "step"
    ]
    curves = extend_curves(Curves(), pd.DataFrame(rows, columns=COLUMNS))
    group = int(config["num_generations"])

    def read(step: int) -> RunEvidence:
        return RunEvidence(
            cut(curves, step + 1), max_steps=steps, group_size=group,
            batch_size=group * int(config["train_batch_size"]),
        )  # fmt: skip

    return Log(
        name, steps - 1, records, config, read,
        IN_OUR_WORDS.get(name, ()), EXPECTED_DETECTIONS[name],
    )  # fmt: skip


def _translate(key: str) -> tuple[str, str]:
    return ("validation", "reward") if key == "eval/accuracy" else ("train", key)


def cut(curves: Curves, step: int) -> Curves:
    """As they were at that step."""
    from rft_core.figures import Curve

    by_key = {
        key: Curve(curve.step[:end], curve.minutes[:end], curve.tokens[:end], curve.value[:end])
        for key, curve in curves.by_key.items()
        if (end := int((curve.step <= step).sum()))
    }
    return Curves(curves.attempts, curves.last_id, by_key)


def read_runs(folder: Path, right: Mapping[str, tuple[str, ...]]) -> list[Log]:
    """The runs of a folder that have stored steps. `right`: by run, the kinds that name it."""
    from rft_core.store.index import open_index
    from rft_core.store.runs import list_runs

    with open_index(folder) as index:
        runs = [run for run in list_runs(index) if not right or run.id in right]
    return [log for run in runs if (log := read_run(folder, run, right.get(run.id, ())))]


def read_run(folder: Path, run: Any, ours: tuple[str, ...]) -> Log | None:
    from rft_core.errors import NotFoundError
    from rft_core.jobs.judging.judge import gather_at
    from rft_core.store.run_reader import metrics_frame, open_run

    try:
        with open_run(folder, run.id) as db:
            frame = metrics_frame(db)
    except NotFoundError:
        return None
    if frame.empty:
        return None
    curves = extend_curves(Curves(), frame)
    train = frame[frame["split"] == "train"]
    records: dict[int, dict[str, float]] = {
        int(step): {"step": int(step)} for step in sorted(train["step"].unique())
    }
    for row in frame.itertuples():
        if math.isfinite(row.value) and row.step in records:
            name = "eval/reward" if row.split == "validation" else row.name
            if row.split == "train" or row.name == "reward":
                records[int(row.step)][name] = float(row.value)
    config = run.config
    facts = {
        "algorithm": "grpo", "num_generations": config.num_generations,
        "train_batch_size": config.generation_batch_size // config.num_generations,
        "max_response_length": config.max_completion_length, "beta": config.beta,
        "learning_rate": config.learning_rate, "max_steps": config.max_steps,
    }  # fmt: skip
    theirs_right = {word for kind in ours for word in IN_THEIR_WORDS.get(kind, ())}
    return Log(
        run.id, max(records), list(records.values()), facts,
        lambda step: gather_at(folder, run, step, cut(curves, step)), ours,
        tuple(sorted(theirs_right)),
    )  # fmt: skip


def main() -> None:
    options = read_options()
    lines = [*report_scenarios(options.every)]
    if options.make:
        from benchmarks.doctor_runs import BROKEN, list_healthy, make_run

        for planted in (*BROKEN, *list_healthy(20)):
            make_run(options.make, planted)
        options.broken = options.broken or options.make
        options.healthy = [*options.healthy, options.make]
    if options.broken:
        lines += report_broken(options.broken)
    if options.healthy:
        lines += report_healthy(options.healthy)
    text = "\n".join(lines)
    print(text)
    if options.to:
        options.to.write_text(text + "\n", encoding="utf-8")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--broken", type=Path, metavar="RUNS_DIR")
    parser.add_argument("--healthy", type=Path, nargs="+", default=[], metavar="RUNS_DIR")
    parser.add_argument("--make", type=Path, metavar="RUNS_DIR")
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--to", type=Path, metavar="FILE")
    return parser.parse_args()


def report_scenarios(every: int) -> list[str]:
    """Recall at both bars, and the first step of each."""
    logs = [read_scenario(name) for name in SCENARIOS]
    sick = [log for log in logs if log.ours]
    rows, ours, others = [], [], []
    for log in sick:
        ours.append(score(log, ask_ours, log.ours, every))
        others.append(score(log, ask_theirs, log.theirs, every))
        rows.append(_row(log.name, ours[-1], others[-1]))
    healthy = [log for log in logs if not log.ours]
    return [
        "## Their twelve scenarios", "",
        f"Read every {every} steps of 400. Named right, {len(sick)} sick ones:", "",
        "| | ours | rldoctor |", "| --- | --- | --- |",
        f"| said | {_count(ours, 'said_at')} | {_count(others, 'said_at')} |",
        f"| warned | {_count(ours, 'alarmed_at')} | {_count(others, 'alarmed_at')} |", "",
        "| scenario | said: ours | rldoctor | warned: ours | rldoctor |",
        "| --- | --- | --- | --- | --- |", *rows, "",
        *_report_said(healthy, every), "",
    ]  # fmt: skip


def _row(name: str, ours: Score, others: Score) -> str:
    cells = (ours.said_at, others.said_at, ours.alarmed_at, others.alarmed_at)
    return f"| {name} | {' | '.join('–' if cell is None else str(cell) for cell in cells)} |"


def _count(scores: Sequence[Score], bar: str) -> str:
    named = sum(getattr(score, bar) is not None for score in scores)
    return f"{named} of {len(scores)}"


def report_broken(folder: Path) -> list[str]:
    from benchmarks.doctor_runs import BROKEN, make_run_id

    right = {make_run_id(planted.name): planted.named_right for planted in BROKEN}
    logs = read_runs(folder, right)
    rows, ours, others = [], [], []
    for log in logs:
        ours.append(score(log, ask_ours, log.ours, 1))
        others.append(score(log, ask_theirs, log.theirs, 1))
        end = ours[-1].at_the_end
        their_end = others[-1].at_the_end
        rows.append(
            f"| {log.name} | {log.steps} | {_step(ours[-1].said_at)} | {_step(others[-1].said_at)} "
            f"| {', '.join(sorted(end.all)) or '–'} | {', '.join(sorted(their_end.all)) or '–'} |"
        )
    return [
        "## Runs that are really broken", "",
        f"Named right: ours {_count(ours, 'said_at')}, rldoctor {_count(others, 'said_at')} "
        "(any detector of the family counts for it).", "",
        "| run | steps | ours at step | rldoctor | ours, at the end | rldoctor, at the end |",
        "| --- | --- | --- | --- | --- | --- |", *rows, "",
    ]  # fmt: skip


def _step(step: int | None) -> str:
    return "–" if step is None else str(step)


def report_healthy(folders: Sequence[Path]) -> list[str]:
    from benchmarks.doctor_runs import BROKEN, make_run_id

    broken = {make_run_id(planted.name) for planted in BROKEN}
    logs = [log for folder in folders for log in read_runs(folder, {}) if log.name not in broken]
    return ["## Healthy runs", "", *_report_said(logs, 1), ""]


def _report_said(logs: Sequence[Log], every: int) -> list[str]:
    """Whatever was said of healthy logs at any of the steps that were read."""
    rows, counts = [], {"ours": [0, 0], "rldoctor": [0, 0]}
    for log in logs:
        cells = []
        for who, ask in (("ours", ask_ours), ("rldoctor", ask_theirs)):
            steps = sorted({*range(max(every, 5), log.steps, max(every, 5)), log.steps})
            said = [ask(log, step) for step in steps]
            alarms = frozenset().union(*(one.alarms for one in said))
            notes = frozenset().union(*(one.all for one in said)) - alarms
            counts[who][0] += bool(alarms)
            counts[who][1] += bool(notes)
            cells.append(
                (", ".join(sorted(alarms)) or "–")
                + (f" (notes: {', '.join(sorted(notes))})" if notes else "")
            )
        rows.append(f"| {log.name} | {log.steps} | {' | '.join(cells)} |")
    alarmed = ", ".join(f"{who} {count[0]}" for who, count in counts.items())
    return [
        f"Of {len(logs)} healthy logs, at any step that was read, a warning or worse: {alarmed}.",
        "", "| log | steps | ours | rldoctor |", "| --- | --- | --- | --- |", *rows,
    ]  # fmt: skip


if __name__ == "__main__":
    main()

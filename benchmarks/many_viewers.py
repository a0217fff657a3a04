"""What ten people who watch a run cost its training. The goal: less than 3% of a step.

    python benchmarks/many_viewers.py [--tabs 10] [--steps 15] [--rounds 2] [--set key=value ...]

Whole processes: a dashboard, a worker that trains the Countdown model, and tabs of one headless
Chromium, open on Monitor. One run is trained, and watched in turns: `steps` steps while nobody
looks, then as many with the tabs open and drawn, and so on, ending with nobody. A step's time is
the one that its worker recorded; the figure is the ratio of the medians. The policy does not
change (its learning rate is next to nothing), so that steps late and early are alike.

The browser runs on this machine, where the people's own run elsewhere. So it gets only the time
that nothing else wants (SCHED_IDLE), and its CPU time is told apart from the dashboard's. That all
tabs showed the newest step all the same is looked at: tabs that starve cost nothing. `--browser
equal` lets it compete. With `--viewers clients`, what stands in for tabs asks for the run's
revision every second, as they do, and draws nothing: a floor.

What it prints is also written to benchmarks/results, with the date and the machine.
"""

import argparse
import json
import os
import platform
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from playwright.sync_api import sync_playwright  # noqa: E402

from benchmarks.served import served  # noqa: E402
from rft_core.paths import get_run_db_path  # noqa: E402

WARM_UP_STEPS = 3
WAIT_SECONDS = 600
SETTINGS = ("max_steps=5000", "save_steps=0", "eval_steps=0", "learning_rate=1e-9")


@dataclass(frozen=True)
class Measured:
    """Some steps of a run, and the CPU seconds used meanwhile."""

    steps: list[float]  # seconds each
    seconds: float
    dashboard: float
    browser: float
    everything: float  # all that runs on this machine, the worker with it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tabs", type=int, default=10)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--viewers", choices=("tabs", "clients"), default="tabs")
    parser.add_argument("--browser", choices=("idle", "equal"), default="idle")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="rft-viewers-") as folder,
        served(ROOT / "app.py", environment(Path(folder)), options.port) as (url, dashboard),
    ):
        run = Watched(Path(folder), launch(Path(folder), options.set), dashboard)
        try:
            alone, beside, behind = take_turns(run, url, options)
        finally:
            command(Path(folder), "stop", run.run_id, "--now")
    publish("\n".join(describe(options, alone, beside, behind)))


def take_turns(
    run: "Watched", url: str, options: argparse.Namespace
) -> tuple[list[Measured], list[Measured], list[int]]:
    """What was measured alone, beside viewers, and how many steps each tab was behind."""
    alone, beside, behind = list[Measured](), list[Measured](), list[int]()
    run.wait_for_step(WARM_UP_STEPS)
    for _ in range(options.rounds):
        alone.append(run.measure(options.steps))
        if options.viewers == "clients":
            with asking_clients(url, run.run_id, options.tabs):
                beside.append(run.measure(options.steps))
            continue
        with watching_tabs(url, run.run_id, options.tabs, options.browser) as shown:
            beside.append(run.measure(options.steps))
            behind += [len(run.read_step_times()) - step for step in shown()]
    alone.append(run.measure(options.steps))
    return alone, beside, behind


def describe(
    options: argparse.Namespace, alone: list[Measured], beside: list[Measured], behind: list[int]
) -> Iterator[str]:
    where = f", browser {options.browser}" if options.viewers == "tabs" else ""
    yield f"# {date.today()}, {describe_machine()}"
    yield ""
    turns = f"{options.rounds} rounds of {options.steps} steps"
    who = f"{options.tabs} {options.viewers}{where}"
    yield f"## Ten people watch a run (`python benchmarks/many_viewers.py`: {who}; {turns})"
    yield ""
    yield "| who looks | step, median | mean | range | CPU of dashboard | browser | all processes |"
    yield "|---|---|---|---|---|---|---|"
    yield row("nobody", alone)
    yield row(f"{options.tabs} {options.viewers}", beside)
    yield ""
    ratio = statistics.median(all_steps(beside)) / statistics.median(all_steps(alone))
    yield f"Ratio of the medians: {ratio:.3f} (goal: below 1.03)."
    apart = [statistics.median(turn.steps) for turn in alone]
    spread = max(apart) / min(apart)
    yield f"The turns while nobody looked differ among themselves by {spread:.3f}."
    if behind:
        yield f"At the end of a turn the tabs were behind by {max(behind)} steps at most."


def row(who: str, turns: list[Measured]) -> str:
    steps, seconds = all_steps(turns), sum(turn.seconds for turn in turns)
    shares = [
        f"{sum(getattr(turn, name) for turn in turns) / seconds:.1%}"
        for name in ("dashboard", "browser", "everything")
    ]
    times = f"{statistics.median(steps):.3f} s | {statistics.mean(steps):.3f} s"
    return f"| {who} | {times} | {min(steps):.2f} to {max(steps):.2f} | {' | '.join(shares)} |"


def all_steps(turns: list[Measured]) -> list[float]:
    return [seconds for turn in turns for seconds in turn.steps]


def describe_machine() -> str:
    from rft_core.hardware import get_hardware

    return f"{get_hardware().describe()}, {platform.system()}, load {os.getloadavg()[0]:.1f} at end"


def publish(text: str) -> None:
    print(text)
    path = ROOT / "benchmarks" / "results" / f"{date.today()}-many-viewers.md"
    path.write_text(text + "\n", encoding="utf-8")
    print(f"\nWritten to {path.relative_to(ROOT)}", file=sys.stderr)


def launch(runs_dir: Path, assignments: Sequence[str]) -> str:
    """A run that goes on until it is stopped."""
    settings = (*SETTINGS, *assignments)
    words = [word for setting in settings for word in ("--set", setting)]
    said = command(runs_dir, "launch", "--task", "countdown", *words, "--json")
    return str(json.loads(said)["run"])


def command(runs_dir: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "rft_core", *words],
        cwd=ROOT, env=environment(runs_dir), stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return done.stdout


@dataclass(frozen=True)
class Watched:
    """A run, as its database tells it, and the process of the dashboard that shows it."""

    runs_dir: Path
    run_id: str
    dashboard: int

    def measure(self, steps: int) -> Measured:
        """The next whole steps: the one that is under way does not count."""
        first = self.wait_for_step(len(self.read_step_times()) + 1)
        started, before = time.monotonic(), self._cpu()
        self.wait_for_step(first + steps)
        used = [after - earlier for after, earlier in zip(self._cpu(), before, strict=True)]
        times = self.read_step_times()[first : first + steps]
        return Measured(times, time.monotonic() - started, *used)

    def wait_for_step(self, step: int) -> int:
        """How many steps there are then."""
        deadline = time.monotonic() + WAIT_SECONDS
        while (done := len(self.read_step_times())) < step:
            if time.monotonic() > deadline:
                sys.exit(f"Run {self.run_id} has not come to step {step} in {WAIT_SECONDS} s")
            time.sleep(0.5)
        return done

    def read_step_times(self) -> list[float]:
        """Seconds of each step so far."""
        path = get_run_db_path(self.runs_dir, self.run_id)
        if not path.exists():
            return []
        query = (
            "SELECT value FROM metrics WHERE name = 'step_time' AND split = 'train' ORDER BY step"
        )
        with (
            suppress(sqlite3.OperationalError),  # the worker is making its tables
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db,
        ):
            return [seconds for (seconds,) in db.execute(query)]
        return []

    def _cpu(self) -> tuple[float, float, float]:
        return cpu_of(self.dashboard), cpu_of_browsers(), cpu_of_machine()


@contextmanager
def watching_tabs(
    url: str, run_id: str, count: int, priority: str
) -> Iterator[Callable[[], list[int]]]:
    """That many tabs of one Chromium on Monitor, all drawn; gives the steps that they show.

    None is throttled as if it were hidden.
    """
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    flags += ["--disable-background-timer-throttling", "--disable-renderer-backgrounding"]
    with sync_playwright() as playwright:
        path = next(p for p in ("/usr/bin/chromium", "/usr/bin/google-chrome") if Path(p).exists())
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        tabs = [browser.new_page() for _ in range(count)]
        for tab in tabs:
            tab.goto(f"{url}/monitor?run={run_id}", timeout=120_000)
            tab.wait_for_selector(".st-key-run-header", timeout=120_000)
        if priority == "idle":
            yield_to_others(list_browsers())

        def shown() -> list[int]:
            headers = [tab.locator(".st-key-run-header").inner_text() for tab in tabs]
            return [int(found[1]) for text in headers if (found := re.search(r"Step (\d+)", text))]

        yield shown
        browser.close()


def yield_to_others(pids: Sequence[int]) -> None:
    """Every thread of these processes runs from now on when nothing else wants to."""
    for pid in pids:
        with suppress(OSError):
            for thread in (Path("/proc") / str(pid) / "task").iterdir():
                with suppress(OSError):
                    os.sched_setscheduler(int(thread.name), os.SCHED_IDLE, os.sched_param(0))


@contextmanager
def asking_clients(url: str, run_id: str, count: int) -> Iterator[None]:
    """That many threads of this process that each ask for the run's revision every second."""
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(1.0):
            urllib.request.urlopen(f"{url}/rft-pulse?run={run_id}", timeout=30).read()

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    yield
    ended.set()
    for thread in threads:
        thread.join()


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_of_machine() -> float:
    """Of all processes, by the kernel's count: what is not idle and does not wait for a disk."""
    ticks = [int(n) for n in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def cpu_of_browsers() -> float:
    total = 0.0
    for pid in list_browsers():
        with suppress(OSError):
            total += cpu_of(pid)
    return total


def list_browsers() -> list[int]:
    """The processes of the browsers that this process started."""
    parents, names = dict[int, int](), dict[int, str]()
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            head, _, rest = (entry / "stat").read_text().rpartition(")")
            pid = int(entry.name)
            parents[pid], names[pid] = int(rest.split()[1]), head.partition("(")[2]

    def is_ours(pid: int) -> bool:
        while pid in parents and pid != os.getpid():
            pid = parents[pid]
        return pid == os.getpid()

    return [pid for pid, name in names.items() if "chrom" in name and is_ours(pid)]


def environment(runs_dir: Path) -> dict[str, str]:
    return os.environ | {"RFT_RUNS_DIR": str(runs_dir), "OMP_NUM_THREADS": "1"}


if __name__ == "__main__":
    main()

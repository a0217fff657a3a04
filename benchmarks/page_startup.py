"""How fast the first page appears, and that no torch is needed for it.

    python benchmarks/page_startup.py

Three measurements, side by side in one run:

- importing all that the pages import, against importing what would come with torch;
- a fresh server to the first painted page in Chromium, and whether the server's process then has
  torch's library mapped (it must not);
- from navigation to the first drawn curve of a run on Monitor, in a browser that has been there
  before, in turn with two pages of plain Streamlit: one heading (its own start, which nothing here
  can shorten), and the same curves in `st.plotly_chart`. Beside the seconds, which other work on
  the machine lengthens, stands the CPU time of the page's main thread.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, Error, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.in_turn import describe, describe_ratio, describe_setting, publish  # noqa: E402
from benchmarks.served import find_free_port, served  # noqa: E402
from tests.sample_run import write_finished_run  # noqa: E402

PAGES = "import streamlit, plotly, pandas, rft_core.jobs, rft_core.tasks, rft_core.planning"
TORCH = "import torch, transformers, peft"
ROUNDS = 5
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


def seconds_to_import(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    return time.perf_counter() - started


def first_paint() -> tuple[float, bool]:
    """Seconds from starting a server to its first complete page, and whether torch is mapped."""
    port = find_free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with (
        tempfile.TemporaryDirectory() as runs,
        sync_playwright() as playwright,
        subprocess.Popen(
            command, cwd=ROOT, env={"PATH": "/usr/bin:/bin", "RFT_RUNS_DIR": runs},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as server,
    ):  # fmt: skip
        started = time.perf_counter()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page()
        while True:
            try:
                page.goto(f"http://127.0.0.1:{port}/")
                break
            except Error:  # nobody listens yet
                time.sleep(0.05)
        page.get_by_role("button", name="Start the Countdown demo").wait_for(timeout=60_000)
        seconds = time.perf_counter() - started
        has_torch = "libtorch" in Path(f"/proc/{server.pid}/maps").read_text()
        browser.close()
        server.terminate()
    return seconds, has_torch


HEADING = "import streamlit as st\nst.title('Here')\n"
CHARTS = """
import plotly.graph_objects as go
import streamlit as st
from pages.components.runs.curves import policy_panels, read_curves, reward_panels
from rft_core.config import get_method

st.title("Here")
curves, _ = read_curves("watched")
panels = [*reward_panels(curves, {}), *policy_panels(curves, [get_method("grpo")])]
for panel in panels:
    lines = [go.Scatter(x=t.x["step"], y=t.y, name=t.name) for t in panel.traces]
    st.plotly_chart(go.Figure(lines, layout={"title": panel.title, "height": 190}))
"""
NOTE_WHEN_SEEN = """
new MutationObserver(() => {
  if (document.querySelector(%r)) window.seen ??= performance.now()
}).observe(document, { childList: true, subtree: true })
"""
CURVE = ".scatterlayer .js-line"


@dataclass(frozen=True)
class Page:
    """An address, and what is waited for on it."""

    url: str
    selector: str


def open_page(context: BrowserContext, page: Page) -> tuple[float, float]:
    """Seconds from navigation until it is seen, and CPU seconds of its main thread until then."""
    tab = context.new_page()
    tab.add_init_script(NOTE_WHEN_SEEN % page.selector)
    devtools = context.new_cdp_session(tab)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    tab.goto(page.url, wait_until="commit")
    tab.wait_for_function("window.seen", timeout=60_000)
    metrics = {m["name"]: m["value"] for m in devtools.send("Performance.getMetrics")["metrics"]}
    seconds = tab.evaluate("window.seen") / 1000
    tab.close()
    return seconds, metrics["TaskDuration"]


def first_curves(pairs: int) -> dict[str, list[tuple[float, float]]]:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        runs = Path(folder) / "runs"
        runs.mkdir()
        write_finished_run(runs, "watched", steps=180)
        environment = os.environ | {"RFT_RUNS_DIR": str(runs), "PYTHONPATH": str(ROOT)}
        scripts = {"heading": HEADING, "charts": CHARTS}
        for name, source in scripts.items():
            (Path(folder) / f"{name}.py").write_text(source)
        with (
            served(ROOT / "app.py", environment) as (ours, _),
            served(Path(folder) / "heading.py", environment) as (heading, _),
            served(Path(folder) / "charts.py", environment) as (charts, _),
        ):
            context = playwright.chromium.launch_persistent_context(
                Path(folder) / "profile",  # keeps compiled code too, as a private window does not
                executable_path=shutil.which("chromium"),
                args=FLAGS,
                viewport={"width": 1400, "height": 900},
            )
            arms = {
                "Monitor": Page(f"{ours}/monitor?run=watched", CURVE),
                "st.plotly_chart": Page(charts, CURVE),
                "st.title": Page(heading, "h1"),
            }
            for page in [*arms.values()] * 3:
                open_page(context, page)  # what a browser keeps, it has kept by now
            times: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
            for pair in range(pairs):
                for name in arms if pair % 2 == 0 else reversed(list(arms)):
                    times[name].append(open_page(context, arms[name]))
            context.close()
    return times


def describe_first_curves(pairs: int = 7) -> str:
    times = first_curves(pairs)
    lines = ["", "| to the first curve | seconds | main thread, CPU s |", "| --- | --- | --- |"]
    for name, found in times.items():
        seconds, busy = zip(*found, strict=True)
        lines.append(f"| {name} | {describe(seconds, '.2f')} | {describe(busy, '.2f')} |")
    ours = list(zip(*times["Monitor"], strict=True))
    for name in ("st.plotly_chart", "st.title"):
        theirs = list(zip(*times[name], strict=True))
        ratios = [describe_ratio(a, b) for a, b in zip(ours, theirs, strict=True)]
        lines.append(f"| Monitor / {name} | {ratios[0]} | {ratios[1]} |")
    return "\n".join(lines)


def describe_start() -> str:
    pairs = [(seconds_to_import(PAGES), seconds_to_import(TORCH)) for _ in range(ROUNDS)]
    pages, torch = zip(*pairs, strict=True)
    paints, has_torch = zip(*(first_paint() for _ in range(3)), strict=True)
    return "\n".join(
        [
            "| start | |",
            "| --- | --- |",
            f"| imports of the pages | {describe(pages, '.2f')} s |",
            f"| imports of torch | {describe(torch, '.2f')} s |",
            f"| pages / torch | {describe_ratio(pages, torch)} |",
            f"| server to first page | {describe(paints, '.2f')} s |",
            f"| torch loaded by then | {any(has_torch)} |",
        ]
    )


def main() -> None:
    text = "\n".join(
        [
            "# How fast the first page and the first curve appear",
            "",
            "`python benchmarks/page_startup.py`; medians, with their range.",
            "",
            describe_start(),
            describe_first_curves(),
            "",
            describe_setting(),
        ]
    )
    publish("page-startup", text)


if __name__ == "__main__":
    main()

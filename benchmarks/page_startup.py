"""How fast the first page appears, and that no torch is needed for it.

    python benchmarks/page_startup.py

Two measurements, side by side in one run:

- importing all that the pages import, against importing what would come with torch;
- a fresh server to the first painted page in Chromium, and whether the server's process then has
  torch's library mapped (it must not).
"""

import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PAGES = "import streamlit, plotly, pandas, rft_core.jobs, rft_core.tasks, rft_core.planning"
TORCH = "import torch, transformers, peft"
ROUNDS = 5
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


def seconds_to_import(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    return time.perf_counter() - started


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def first_paint() -> tuple[float, bool]:
    """Seconds from starting a server to its first complete page, and whether torch is mapped."""
    port = free_port()
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


def main() -> None:
    pairs = [(seconds_to_import(PAGES), seconds_to_import(TORCH)) for _ in range(ROUNDS)]
    pages, torch = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"imports of the pages      {pages:6.2f} s")
    print(f"imports of torch          {torch:6.2f} s")
    print(f"ratio pages / torch       {statistics.median(a / b for a, b in pairs):6.2f}")
    paints = [first_paint() for _ in range(3)]
    print(f"server to first page      {statistics.median(s for s, _ in paints):6.2f} s")
    print(f"torch loaded by then      {any(loaded for _, loaded in paints)}")


if __name__ == "__main__":
    main()

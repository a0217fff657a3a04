"""What being locked in costs: jailed executions per second, against a fresh Python for each.

    python benchmarks/sandbox_throughput.py [EXECUTIONS]

Three ways to run the same small check: a new jailed process for each (fork, enter the jail, run,
answer, end), one jailed process that serves all (how reward functions run), and a new Python
without any jail (how it is usually done). Run on an idle machine; the first line says the tier.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rft_core.sandbox import frames  # noqa: E402
from rft_core.sandbox.executor import Executor  # noqa: E402
from rft_core.sandbox.limits import Limits  # noqa: E402
from rft_core.sandbox.tiers import start_server  # noqa: E402

SOURCE = """
import json, math, re
def check(completions):
    return [float(math.gcd(84, 36) == 12 and re.fullmatch("a+", "aaa") is not None)]
"""
KEYWORDS = {"completions": ["x"], "global_step": None}
REQUEST = {"source": SOURCE, "function": "check", "keywords": KEYWORDS}
FRESH_SHARE = 20  # a fresh Python is slow: it is measured on every twentieth of the executions


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    starts = [measure_start() for _ in range(3)]
    server, report = start_server()
    if server is None:
        sys.exit(f"No tier holds here: {report.missing}")
    print(f"tier {report.tier}; {count} executions, one after the other")
    limits = Limits()

    def forked() -> None:
        process = server.spawn(limits, report.layers)
        answer = process.channel.exchange(frames.pack(REQUEST), time.monotonic() + 10)
        server.end(process)
        assert answer["values"] == [1.0]

    fork_rate = measure_rate(forked, count)
    server.close()
    with Executor() as executor:

        def served() -> None:
            assert executor.call(SOURCE, "check", KEYWORDS, 10).values == [1.0]

        served()
        served_rate = measure_rate(served, count)
    fresh_rate = measure_rate(fresh, max(5, count // FRESH_SHARE))
    print(f"start, with all probes   {statistics.median(starts):8.3f} s")
    print(f"a fresh Python each      {fresh_rate:8.1f} /s   1.0x")
    print(f"a jailed process each    {fork_rate:8.1f} /s  {fork_rate / fresh_rate:4.1f}x")
    print(f"one jailed process       {served_rate:8.1f} /s  {served_rate / fresh_rate:4.1f}x")


def fresh() -> None:
    program = SOURCE + "\nassert check(['x']) == [1.0]"
    subprocess.run([sys.executable, "-I", "-B", "-c", program], check=True)


def measure_rate(action: Callable[[], None], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        action()
    return count / (time.perf_counter() - start)


def measure_start() -> float:
    start = time.perf_counter()
    with Executor() as executor:
        assert executor.tier
        return time.perf_counter() - start


if __name__ == "__main__":
    main()

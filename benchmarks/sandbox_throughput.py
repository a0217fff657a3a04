"""What being locked in costs: jailed executions per second, and against a fresh Python for each.

    python benchmarks/sandbox_throughput.py [EXECUTIONS]

First, each execution in a new jailed process (fork, enter the jail, load, run, answer, end), two
at a time: a unit check in plain Python, one with torch, a run of a Triton kernel in the
interpreter (2 inputs), its compilation to PTX. Then a dry run: one reward function over 64
completions, against a fresh, unjailed Python for each, as it is usually done; cold includes
starting the fork server and trying the jail. Run on an idle machine; the first line says the tier.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rft_core.rewards.jailed.user_function import SourceProcess  # noqa: E402
from rft_core.sandbox.pool import run_jobs  # noqa: E402
from rft_core.sandbox.server_kind import ServerKind  # noqa: E402
from rft_core.sandbox.servers import SERVERS  # noqa: E402
from rft_core.sandbox.session import JailReply, get_program  # noqa: E402

WORKERS = 2
COMPLETIONS = 64
FRESH = 3  # a fresh Python is slow: so many stand for all
TURNS = 9

SORT = "def solve(numbers): return sorted(numbers)\nanswer = solve([3, 1, 2])"
SORT_TORCH = (
    "import torch\ndef solve(numbers): return torch.tensor(numbers).sort().values.tolist()\n"
    "answer = solve([3, 1, 2])"
)
KERNEL = """
import torch, triton
import triton.language as tl

@triton.jit
def double(x, y, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y + i, 2 * tl.load(x + i, mask=i < n), mask=i < n)

def f(x):
    y = torch.empty_like(x)
    double[(triton.cdiv(x.numel(), 64),)](x, y, x.numel(), BLOCK=64)
    return y
"""
INTERPRET = (
    KERNEL
    + """
answer = []
for size in (100, 97):
    x = torch.randn(size)
    answer.append(bool(torch.equal(f(x), 2 * x)))
"""
)
COMPILE = (
    KERNEL
    + """
from triton._C.libtriton import ir
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, make_backend

target = GPUTarget("cuda", 90, 32)
backend = make_backend(target)
types = {"x": "*fp32", "y": "*fp32", "n": "i32", "BLOCK": "constexpr"}
given = ASTSource(double, types, {(3,): 64})
options, context, stages = backend.parse_options({"ptx_version": 87}), ir.context(), {}
ir.load_dialects(context)
backend.load_dialects(context)
code = backend.get_codegen_implementation(options)
module = given.make_ir(target, options, code, backend.get_module_map(), context)
backend.add_stages(stages, options, given.language)
metadata = {"target": target, **vars(options)}
for name in ("ttir", "ttgir", "llir", "ptx"):
    module = stages[name](module, metadata)
answer = "ld.global" in module
"""
)
KINDS = {  # what: kind of server, candidate, the answer, the goal on two idle cores
    "unit checks": (ServerKind.PYTHON, SORT, [1, 2, 3], 150),
    "torch checks": (ServerKind.INTERPRETER, SORT_TORCH, [1, 2, 3], 60),
    "interpreter runs": (ServerKind.INTERPRETER, INTERPRET, [True, True], 20),
    "compilations": (ServerKind.COMPILER, COMPILE, True, 6),
}
REWARDS = {
    "plain": "def reward(completions): return [float(len(text)) for text in completions]",
    "torch": "import torch\n"
    "def reward(completions): return torch.tensor([float(len(t)) for t in completions]).tolist()",
}
GOALS = {"plain": 8, "torch": 50}
KEYWORDS = {"completions": ["x" * n for n in range(COMPLETIONS)], "global_step": None}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    print(f"tier {SERVERS.tier}; {WORKERS} at a time, {count} of each")
    for what, (kind, candidate, answer, goal) in KINDS.items():
        start, rate = measure_rate(kind, candidate, answer, count)
        print(f"{what:20} {rate:7.1f} /s   goal {goal:3}   first after {start:5.2f} s")
    for what, source in REWARDS.items():
        measure_dry_run(what, source)


def measure_rate(
    kind: ServerKind, candidate: str, answer: object, count: int
) -> tuple[float, float]:
    """Seconds to the first answer, and answers per second once it is warm."""
    program = get_program("program_answer", kind)

    def run_all(number: int) -> float:
        start = time.perf_counter()
        replies = run_jobs(
            program,
            range(number),
            lambda session, _: session.call("run", {"source": candidate}, 30),
            workers=WORKERS,
        )
        for reply in replies:
            is_right = isinstance(reply, JailReply) and reply.value == {"answer": answer}
            assert is_right, reply
        return time.perf_counter() - start

    first = run_all(1)
    run_all(40)
    return first, count / run_all(count)


def measure_dry_run(what: str, source: str) -> None:
    """Medians of `TURNS`, in turn, for a machine's speed changes from second to second."""
    turns = [measure_turn(source) for _ in range(TURNS)]
    fresh, *ours = (statistics.median(seconds) for seconds in zip(*turns, strict=True))
    goal = f"goal {GOALS[what]}x"
    print(f"a dry run of {COMPLETIONS}, {what}, {goal}; a fresh Python each: {fresh:.2f} s")
    for name, seconds in zip(("cold", "edited", "again"), ours, strict=True):
        print(f"  {name:8} {seconds * 1000:8.1f} ms  {fresh / seconds:8.1f}x")


def measure_turn(source: str) -> tuple[float, float, float, float]:
    """Seconds with a fresh Python for each completion; cold, with an edited source, and again."""

    def dry_run() -> None:
        process = processes.setdefault(source, SourceProcess(source))
        assert len(process.call("reward", KEYWORDS, 30).values) == COMPLETIONS

    fresh = measure_seconds(lambda: run_fresh(source)) / FRESH * COMPLETIONS
    SERVERS.close()
    processes: dict[str, SourceProcess] = {}
    cold = measure_seconds(dry_run)
    source += "  # edited, so it gets a new process"
    edited, again = measure_seconds(dry_run), measure_seconds(dry_run)
    for process in processes.values():
        process.close()
    return fresh, cold, edited, again


def run_fresh(source: str) -> None:
    program = source + "\nassert reward(['xx']) == [2.0]"
    for _ in range(FRESH):
        subprocess.run([sys.executable, "-I", "-B", "-c", program], check=True)


def measure_seconds(action: Callable[[], None]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()

"""Thousands of executions, many hostile, in all kinds of fork servers: nothing wrong, nothing left.

    python benchmarks/sandbox_soak.py [EXECUTIONS]

Exits with 1 if an honest result was wrong or a hostile one right, if a process, a descriptor or a
file was left behind, if a fork server died, or if the servers' own memory changed by more than 5%.
At least 15% of the executions are hostile, of all the kinds below.
"""

import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.sandbox_throughput import COMPILE, INTERPRET, KERNEL, LOAD  # noqa: E402
from rft_core.sandbox.local import LocalProvider  # noqa: E402
from rft_core.sandbox.outcome import Outcome  # noqa: E402
from rft_core.sandbox.pool import Failed, Pool  # noqa: E402
from rft_core.sandbox.provider import Flavour, Limits, Program, Reply, Session  # noqa: E402

WORKERS, BATCH, WARM_UP, SEED = 2, 250, 35, 0
HOSTILE_SHARE = 0.2
MOST_DRIFT = 0.05
LIMITS = Limits(memory_bytes=3 << 29)
PROGRAMS = {
    "python": Program(Flavour.PYTHON, LOAD + "\ndef run(source): return load(source)['f']()\n"),
    "torch": Program(Flavour.INTERPRETER, LOAD + "\ndef run(source): return load(source)['f']()\n"),
    "interpreter": Program(Flavour.INTERPRETER, INTERPRET),
    "compiler": Program(Flavour.COMPILER, COMPILE),
}
SHARES = {"python": 70, "torch": 12, "interpreter": 12, "compiler": 6}
TORCH = "import torch\ndef f(): return torch.tensor([NUMBER, 1]).cumsum(0).tolist()"
HONEST = {  # source, and what it gives for a number
    "python": ("def f(): return [NUMBER, NUMBER + 1]", lambda number: [number, number + 1]),
    "torch": (TORCH, lambda number: [number, number + 1]),
    "interpreter": (KERNEL, lambda number: [True, True]),
    "compiler": (KERNEL, lambda number: True),
}
HOSTILE = {  # each at module level, so that it works in every kind of program
    "endless loop": ("while True: pass", Outcome.TIMEOUT),
    "sleep": ("import time; time.sleep(99)", Outcome.TIMEOUT),
    "stop itself": ("import os; os.kill(os.getpid(), 19)", Outcome.TIMEOUT),
    "threads": (
        "import threading, time\nwhile True:\n"
        "    try: threading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n"
        "    except RuntimeError: pass",
        None,  # its time or its memory, whichever ends first
    ),
    "memory": ("x = []\nwhile True: x.append(bytearray(1 << 28))", Outcome.OOM),
    "memory at once": ("x = bytearray(1 << 40)", Outcome.OOM),
    "exit": ("import os; os._exit(0)", Outcome.KILLED),
    "kill itself": ("import os; os.kill(os.getpid(), 9)", Outcome.KILLED),
    "crash": ("import ctypes; ctypes.string_at(0)", Outcome.KILLED),
    "recursion": (
        "import sys; sys.setrecursionlimit(1 << 30)\nx = []\n"
        "for _ in range(1_000_000): x = [x]\nrepr(x)",
        Outcome.KILLED,
    ),
    "garbled answer": ("import os; os.write(4, b'no answer'); os._exit(0)", None),
    "forged answer": ("import os; os.write(4, b'\\0\\0\\0\\2{}')", Outcome.KILLED),
    "endless answer": ("import os\nwhile True: os.write(4, b'xxxx' * 9999)", Outcome.OUTPUT_LIMIT),
    "flood": ("while True: print('x' * 999_999)", Outcome.OUTPUT_LIMIT),
    "files": ("for n in range(99_999): open(str(n), 'w').close()\nwhile True: pass", None),
    "folders": ("import os\nfor n in range(999): os.mkdir('d'); os.chdir('d')\n1 / 0", None),
    "descriptors": ("x = [open('/dev/null') for _ in range(999)]", Outcome.CANDIDATE_ERROR),
    "fork": ("import os\nwhile True: os.fork()", Outcome.CANDIDATE_ERROR),
    "execute": ("import os; os.execv('/bin/sh', ['sh'])", Outcome.CANDIDATE_ERROR),
    "kill the server": ("import os; os.kill(os.getppid(), 9)", Outcome.CANDIDATE_ERROR),
    "network": (
        "import socket; socket.create_connection(('1.1.1.1', 80))",
        Outcome.CANDIDATE_ERROR,
    ),
    "read": ("open('/etc/passwd').read()", Outcome.CANDIDATE_ERROR),
    "raise": ("raise BaseException('no')", Outcome.CANDIDATE_ERROR),
}
HANGING = ("endless loop", "sleep", "stop itself", "threads")
HANGS = 0.3  # seconds given to what will use them up


@dataclass(frozen=True)
class Job:
    kind: str  # of program
    name: str  # of what it does; "honest" or one of the hostile
    source: str
    expected: object = None  # its value, where it is honest


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder  # the sandbox's folders and nobody else's
        sys.exit(soak(count))


def soak(count: int) -> int:
    provider, rng, start = LocalProvider(), random.Random(SEED), time.monotonic()
    tally: Counter[str] = Counter()
    with Pool(provider, WORKERS) as pool:
        for kind in PROGRAMS:
            run(pool, [make_honest(kind, number) for number in range(WARM_UP)])
        before = measure(provider)
        for done in range(0, count, BATCH):
            jobs = [make_job(rng, index) for index in range(done, min(done + BATCH, count))]
            tally.update(run(pool, jobs))
            print(f"{done + len(jobs):6}  {time.monotonic() - start:6.0f} s", file=sys.stderr)
        after = measure(provider)
    provider.close()
    left = [*Path(tempfile.gettempdir()).iterdir(), *psutil.Process().children()]
    return report(tally, before, after, provider.failures, left)


def make_job(rng: random.Random, index: int) -> Job:
    [kind] = rng.choices(list(SHARES), list(SHARES.values()))
    if rng.random() >= HOSTILE_SHARE:
        return make_honest(kind, index)
    name = rng.choice(list(HOSTILE))
    return Job(kind, name, HOSTILE[name][0])


def make_honest(kind: str, number: int) -> Job:
    source, get_value = HONEST[kind]
    return Job(kind, "honest", source.replace("NUMBER", str(number)), get_value(number))


def run(pool: Pool, jobs: list[Job]) -> list[str]:
    """What came of each: "honest", "hostile", or what is wrong."""
    verdicts = []
    for kind, program in PROGRAMS.items():
        chosen = [job for job in jobs if job.kind == kind]
        replies = pool.run(program, chosen, ask, LIMITS)
        verdicts += [judge(job, reply) for job, reply in zip(chosen, replies, strict=True)]
    return verdicts


def ask(session: Session, job: Job) -> Reply:
    return session.call("run", {"source": job.source}, HANGS if job.name in HANGING else 30.0)


def judge(job: Job, reply: Reply | Failed) -> str:
    if isinstance(reply, Failed):
        return f"wrong: {job} was not run: {reply.why}"
    if job.name == "honest":
        is_right = reply.outcome is Outcome.OK and reply.value == job.expected
        return "honest" if is_right and not reply.blocked else f"wrong: {job} gave {reply}"
    expected = HOSTILE[job.name][1]
    is_stopped = reply.outcome is not Outcome.OK and reply.outcome.is_scored
    is_right = is_stopped and expected in (None, reply.outcome)
    return "hostile" if is_right else f"wrong: {job} gave {reply.outcome}, {reply.detail}"


def measure(provider: LocalProvider) -> dict[str, float]:
    """What must be the same afterwards. Between batches no jailed process lives."""
    itself = psutil.Process()
    running = provider.servers.list_running()
    cells = [path for tried in running for path in tried.server.cells.iterdir()]
    servers = itself.children(recursive=True)
    memory = sum(read_own_memory(process.pid) for process in servers) / (1 << 20)
    return {
        "processes": len(servers),
        "descriptors": itself.num_fds(),
        "files": len(cells) + len(list(Path(tempfile.gettempdir()).iterdir())),
        "memory of the servers, MiB": memory,
        "memory of this process, MiB": itself.memory_info().rss / (1 << 20),
    }


def read_own_memory(pid: int) -> int:
    """Bytes, with its share of what others of its kind use too; libraries aside.

    A process has the smaller a share of a library the more programs on this machine use it.
    """
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kinds = ("Pss_Anon:", "Pss_Shmem:")
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(kinds))


def report(
    tally: Counter[str],
    before: dict[str, float],
    after: dict[str, float],
    failures: int,
    left: list[object],
) -> int:
    count, hostile = sum(tally.values()), tally["hostile"]
    wrong = {what: number for what, number in tally.items() if what.startswith("wrong")}
    print(f"{count} executions, {hostile / count:.0%} hostile, {sum(wrong.values())} wrong")
    for what, times in list(wrong.items())[:20]:
        print(f"  {times} x {what[:500]}")
    for what, number in before.items():
        print(f"{what:30} {number:8.1f} -> {after[what]:8.1f}")
    print(f"fork servers that failed: {failures}; left after closing: {left or 'nothing'}")
    name = "memory of the servers, MiB"
    drift = abs(after[name] / before[name] - 1)
    same = all(before[what] == after[what] for what in ("processes", "descriptors", "files"))
    is_good = not wrong and same and drift <= MOST_DRIFT and not failures and not left
    print(f"drift of the servers' memory: {drift:.1%}")
    return 0 if is_good and hostile / count >= 0.15 else 1


if __name__ == "__main__":
    main()

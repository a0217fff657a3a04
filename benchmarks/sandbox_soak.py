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

from benchmarks.sandbox_throughput import COMPILE, INTERPRET  # noqa: E402
from rft_core.sandbox.jail.limits import Limits  # noqa: E402
from rft_core.sandbox.outcome import Outcome, Unscored  # noqa: E402
from rft_core.sandbox.pool import run_jobs  # noqa: E402
from rft_core.sandbox.server_kind import ServerKind  # noqa: E402
from rft_core.sandbox.servers import SERVERS  # noqa: E402
from rft_core.sandbox.session import JailReply, JailSession, get_program  # noqa: E402

WORKERS, BATCH, WARM_UP, SEED = 2, 250, 35, 0
HOSTILE_SHARE = 0.2
MOST_DRIFT = 0.05
LIMITS = Limits(memory_bytes=3 << 29)
KINDS = {
    "python": ServerKind.PYTHON,
    "torch": ServerKind.INTERPRETER,
    "interpreter": ServerKind.INTERPRETER,
    "compiler": ServerKind.COMPILER,
}
SHARES = {"python": 70, "torch": 12, "interpreter": 12, "compiler": 6}
TORCH = "import torch\nanswer = torch.tensor([NUMBER, 1]).cumsum(0).tolist()"
HONEST = {  # source, and what it gives for a number
    "python": ("answer = [NUMBER, NUMBER + 1]", lambda number: [number, number + 1]),
    "torch": (TORCH, lambda number: [number, number + 1]),
    "interpreter": (INTERPRET, lambda number: [True, True]),
    "compiler": (COMPILE, lambda number: True),
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
    rng, start = random.Random(SEED), time.monotonic()
    tally: Counter[str] = Counter()
    for kind in KINDS:
        run([make_honest(kind, number) for number in range(WARM_UP)])
    before = measure()
    for done in range(0, count, BATCH):
        jobs = [make_job(rng, index) for index in range(done, min(done + BATCH, count))]
        tally.update(run(jobs))
        print(f"{done + len(jobs):6}  {time.monotonic() - start:6.0f} s", file=sys.stderr)
    after = measure()
    SERVERS.close()
    left = [*Path(tempfile.gettempdir()).iterdir(), *psutil.Process().children()]
    return report(tally, before, after, SERVERS.failures, left)


def make_job(rng: random.Random, index: int) -> Job:
    [kind] = rng.choices(list(SHARES), list(SHARES.values()))
    if rng.random() >= HOSTILE_SHARE:
        return make_honest(kind, index)
    name = rng.choice(list(HOSTILE))
    return Job(kind, name, HOSTILE[name][0])


def make_honest(kind: str, number: int) -> Job:
    source, get_value = HONEST[kind]
    return Job(kind, "honest", source.replace("NUMBER", str(number)), get_value(number))


def run(jobs: list[Job]) -> list[str]:
    """What came of each: "honest", "hostile", or what is wrong."""
    verdicts = []
    for name, kind in KINDS.items():
        chosen = [job for job in jobs if job.kind == name]
        replies = run_jobs(get_program("program_answer", kind), chosen, ask, LIMITS, WORKERS)
        verdicts += [judge(job, reply) for job, reply in zip(chosen, replies, strict=True)]
    return verdicts


def ask(session: JailSession, job: Job) -> JailReply:
    return session.call("run", {"source": job.source}, HANGS if job.name in HANGING else 30.0)


def judge(job: Job, reply: JailReply | Unscored) -> str:
    if isinstance(reply, Unscored):
        return f"wrong: {job} was not run: {reply.reason}"
    if job.name == "honest":
        is_right = reply.outcome is Outcome.OK and reply.value == {"answer": job.expected}
        return "honest" if is_right and not reply.blocked else f"wrong: {job} gave {reply}"
    expected = HOSTILE[job.name][1]
    is_stopped = reply.outcome is not Outcome.OK
    is_right = is_stopped and expected in (None, reply.outcome)
    return "hostile" if is_right else f"wrong: {job} gave {reply.outcome}, {reply.detail}"


def measure() -> dict[str, float]:
    """What must be the same afterwards. Between batches no jailed process lives."""
    itself = psutil.Process()
    cells = [path for kind in dict.fromkeys(KINDS.values()) for path in list_cells(kind)]
    servers = itself.children(recursive=True)
    memory = sum(read_own_memory(process.pid) for process in servers) / (1 << 20)
    return {
        "processes": len(servers),
        "descriptors": itself.num_fds(),
        "files": len(cells) + len(list(Path(tempfile.gettempdir()).iterdir())),
        "memory of the servers, MiB": memory,
        "memory of this process, MiB": itself.memory_info().rss / (1 << 20),
    }


def list_cells(kind: ServerKind) -> list[Path]:
    with SERVERS.borrow(kind) as tried:
        return list(tried.server.cells.iterdir())


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

"""The memory that a plan promises against the peak that a worker reaches, for the embedded models.

    python benchmarks/memory.py [BATCH_SIZE ...]

One step of Countdown for each model and batch size, in the real worker. The peak is `VmHWM`, the
most that was resident at once. What a worker holds before it loads any model (Python, torch) is
measured apart: the plan takes a constant for it. Prints measured / planned.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from rft_core.config import make_config  # noqa: E402
from rft_core.embedded import EMBEDDED_MODELS  # noqa: E402
from rft_core.jobs.launcher import launch  # noqa: E402
from rft_core.paths import get_supervisor_lock_path  # noqa: E402
from rft_core.planning import estimate  # noqa: E402
from rft_core.store.state.run_lock import FileLock  # noqa: E402

MIB = 2**20
BATCH_SIZES = (32, 256)
# Runs as the worker, then prints its peak: nobody else sees that of a process that has ended.
WORKER = """
import sys
{work}
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0])
sys.exit(code)
"""
TRAIN = "from rft_core.worker import run_in_foreground; code = run_in_foreground(sys.argv[1])"
LOAD_NOTHING = "import rft_core.worker, rft_core.training.grpo; code = 0"


def measure_peak(work: str, runs_dir: Path, *words: str) -> int:
    """Bytes."""
    ended = subprocess.run(
        [sys.executable, "-c", WORKER.format(work=work), *words],
        cwd=ROOT, env={**os.environ, "RFT_RUNS_DIR": str(runs_dir)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ended.returncode:
        sys.exit(ended.stderr)
    return int(ended.stdout.split()[-1]) * 1024


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or BATCH_SIZES
    with tempfile.TemporaryDirectory() as folder:
        runs_dir = Path(folder)
        lock = FileLock(get_supervisor_lock_path(runs_dir))  # nothing else is started
        lock.acquire()
        before = measure_peak(LOAD_NOTHING, runs_dir)
        print(f"before any model: {before / MIB:.0f} MiB\n", flush=True)
        print("| model | batch | planned, MiB | measured, MiB | ratio |\n|---|---|---|---|---|")
        for model in EMBEDDED_MODELS:
            for size in sizes:
                config = make_config(
                    {"task": "countdown", "model": model, "per_device_train_batch_size": size}
                    | {"num_prompts": 256, "num_validation_prompts": 2, "max_completion_length": 80}
                    | {"max_steps": 1, "eval_steps": 0}
                )
                planned = estimate(config, runs_dir).memory_bytes or 0
                peak = measure_peak(TRAIN, runs_dir, launch(runs_dir, config))
                print(
                    f"| {model} | {size} | {planned / MIB:.0f} | {peak / MIB:.0f} "
                    f"| {peak / planned:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()

"""Several people, or a script, launch at the same moment into a folder that nobody has used yet."""

import os
import subprocess
import sys
from pathlib import Path

from rft_core.paths import PROJECT_ROOT, get_supervisor_log_path
from rft_core.store.commands import list_commands
from rft_core.store.index import open_index
from rft_core.store.runs import list_runs
from tests.runs_folder import SUPERVISOR, RunsFolder, await_truth

SMALL = ("max_steps=1", "num_prompts=8", "num_validation_prompts=2", "eval_steps=0")
AT_ONCE = 8
# All that is slow to import first, so that they reach the folder together.
LAUNCH = (
    "import sys; from rft_core.cli.app import main; import rft_core.jobs.checks\n"
    "print('ready', flush=True); sys.stdin.readline(); sys.exit(main(sys.argv[1:]))"
)


def test_eight_launches_at_once_into_a_fresh_folder_are_all_accepted(tmp_path: Path) -> None:
    folder = RunsFolder(tmp_path / "new" / "runs")
    settings = [word for setting in SMALL for word in ("--set", setting)]
    command = [sys.executable, "-c", LAUNCH, "launch", "--task", "countdown", *settings]
    many = [
        subprocess.Popen(
            command, cwd=PROJECT_ROOT, text=True,
            env={**os.environ, "RFT_RUNS_DIR": str(folder.path)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(AT_ONCE)
    ]  # fmt: skip
    try:
        for one in many:
            assert one.stdout and one.stdout.readline() == "ready\n"
        assert not folder.path.exists()
        for one in many:
            assert one.stdin
            one.stdin.write("go\n")
            one.stdin.flush()
        ends = [one.communicate(timeout=240) for one in many]
        assert [one.returncode for one in many] == [0] * AT_ONCE, ends
        assert "Traceback" not in str(ends) and "locked" not in str(ends)
        with open_index(folder.path) as index:
            runs = {run.id for run in list_runs(index)}
            assert len(runs) == AT_ONCE == len(list_commands(index))
        assert runs == {stdout.strip() for stdout, _ in ends}
        await_truth(lambda: len(folder.find_processes(SUPERVISOR)) == 1, "a single supervisor")
        folder.await_supervisor(alive=True)
        assert "Traceback" not in get_supervisor_log_path(folder.path).read_text()
    finally:
        for process in folder.find_processes(SUPERVISOR, "rft_core.worker"):
            process.kill()

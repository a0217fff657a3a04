"""The house's rules, executable: layers, heavy imports, sizes, and the written trees."""

import ast
import subprocess
import sys
from collections import Counter

import pytest

from tests.source_tree import (
    EVERYTHING,
    OURS,
    ROOT,
    list_imports,
    list_sources,
    name_module,
    parse,
)

# High to low. A file imports only from lower rows, or from its own package.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("app", "pages"),
    ("rft_core.__main__",),
    ("rft_core.cli",),
    ("rft_core.experiments",),
    ("rft_core.jobs",),
    ("rft_core.worker",),
    ("rft_core.export",),
    ("rft_core.training",),
    ("rft_core.evaluation", "rft_core.dry_run", "rft_core.rescoring"),
    (
        "rft_core.embedded.pretrain",
        "rft_core.embedded.measure",
        "rft_core.embedded.tokenizer",
        "rft_core.embedded.recipes",
        "rft_core.embedded.text_source",
        "rft_core.embedded.countdown_text",
        "rft_core.embedded.triton_text",
        "rft_core.embedded.word_problems_text",
    ),
    ("rft_core.sampling",),
    ("rft_core.tasks",),
    ("rft_core.diagnosis",),
    ("rft_core.rewards",),
    ("rft_core.preferences",),
    (
        "rft_core.store",
        "rft_core.sandbox",
        "rft_core.data",
        "rft_core.figures",
        "rft_core.planning",
    ),
    ("rft_core.hardware", "rft_core.model_files"),
    ("rft_core.embedded",),  # the list of shipped models; what makes them stands higher
    ("rft_core.config",),
    ("rft_core.errors", "rft_core.paths", "rft_core.statistics", "rft_core.csv_text"),
    ("rft_core.types",),
)
# The same inside rewards: the machine that scores stands above the families of graders, which it
# names, and both above the words that they share. A family knows others only where a row is lower.
REWARDS = "rft_core.rewards"
IN_REWARDS: tuple[tuple[str, ...], ...] = (
    ("exchange", "scoring_file", "consistency"),
    ("scorer",),
    ("one_by_one", "shaping", "jailed.user_function", "jailed.grader"),
    ("registry",),
    ("formula", "judge", "triton", "reward_model"),
    ("structured", "code"),
    ("text",),
    ("answers",),
    ("grader_info", "jailed.grading", "jailed.calls", "deciding", "python_source", "imports"),
    ("completion_text", "grader_context", "sampled_batch", "source_functions"),
    ("advantages", "in_group"),
    ("contract",),
)
# Edges that no row above forbids, and that point the wrong way all the same.
WRONG_WAY = (
    ("rft_core.sampling", "rft_core.rewards"),
    ("rft_core.evaluation", "rft_core.training"),
    ("rft_core.evaluation", "rft_core.diagnosis"),
    ("rft_core.rescoring", "rft_core.training"),
    ("rft_core.training", "rft_core.sandbox"),
    ("pages", "rft_core.sandbox"),
)
# Inside training: the run, its methods, the two halves of a trainer, what they record and keep.
IN_TRAINING: tuple[tuple[str, ...], ...] = (
    ("run_session",),
    ("preflight",),
    ("ppo.trainer",),  # in the frame of GRPO's
    ("grpo", "rloo", "pairs.dpo", "pairs.reward_model"),
    ("self_training.offline_st", "self_training.online_st"),
    ("rollouts", "sft", "pairs.pairwise"),
    ("update.prompt_sharing",),
    ("update.shared_prompt",),
    ("update.token_logprobs",),
    ("recorded",),
    ("recorder", "self_training.selection", "saving.rollout_cache"),
    ("reward_watch",),
    ("batch_records", "ending", "mirror", "saving.adapter_files", "saving.checkpoints"),
    ("ppo.losses", "ppo.token_advantages", "ppo.value_head", "saving.disk_room", "saving.finite"),
    ("heartbeat", "phase_clock", "prompt_order", "prompts", "run_sink", "stop", "validating"),
)
# Inside pages: pages above families of components, families above shared components. A family knows
# its own files, the shared ones, and the families named here.
FAMILIES: dict[str, set[str]] = {
    "runs": {"charts", "completions", "rewards"},
    "rewards": {"completions", "dry_run"},
    "dry_run": {"completions", "prompts"},
    "judgement": {"dry_run", "prompts", "rewards"},
    "prompts": set(),
    "evaluation": {"charts", "completions"},
    "chat": {"completions", "preferences"},
    "preferences": {"completions"},
    "completions": set(),
    "charts": set(),
}
HEAVY = {"torch", "transformers", "trl", "peft", "vllm", "triton"}
MAY_BE_HEAVY = (
    "rft_core.training",
    "rft_core.evaluation",
    "rft_core.sampling",
    "rft_core.export",
    "rft_core.dry_run",
    "rft_core.rescoring",
    "rft_core.embedded",
    "rft_core.embedded.measure",  # samples and judges as evaluation does
    "rft_core.worker",
    "rft_core.sandbox.programs",  # fork servers import them, by name, and nobody else
    "rft_core.sandbox.inside.warm_up",  # imports for the processes that are forked from a server
)
FORBIDDEN_IN_PAGES = HEAVY | {"sqlite3", "sqlite_utils", "subprocess"}
MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 60
MAX_FILES = 20  # of a folder


def _row(module: str) -> int | None:
    """The layer of a module: the most specific entry that holds it."""
    best: tuple[int, int] | None = None
    for number, entries in enumerate(LAYERS):
        for entry in entries:
            inside = module == entry or module.startswith(entry + ".")
            if inside and (best is None or len(entry) > best[0]):
                best = (len(entry), number)
    return best[1] if best else None


def _package(module: str) -> str:
    """`rft_core.store` of `rft_core.store.index`; files of one package may know each other."""
    return ".".join(module.split(".")[: 2 if module.startswith("rft_core") else 1])


def _rewards_row(module: str) -> tuple[int, str] | None:
    """The row inside rewards of a module, and its family: a folder, or a file of the machine."""
    folder, _, file = module.removeprefix(REWARDS + ".").partition(".")
    name = (
        f"{folder}.{file}" if folder == "jailed" else folder
    )  # one side calls, the other is called
    rows = [number for number, row in enumerate(IN_REWARDS) if name in row]
    return (rows[0], name) if rows and module != name else None


def test_every_import_points_down() -> None:
    for path in OURS:
        module = name_module(path)
        if module == "rft_core":
            continue
        row = _row(module)
        assert row is not None, f"{module} has no place in the layers"
        for imported in list_imports(path):
            target = _row(imported)
            if target is None or _package(imported) == _package(module):
                continue
            assert target >= row, f"{module} imports {imported}, which is a higher layer"
            assert target > row or module == "app", f"{module} imports its neighbour {imported}"


def test_inside_rewards_every_import_points_down_too() -> None:
    for path in list_sources("rft_core/rewards"):
        module = name_module(path)
        own = _rewards_row(module)
        is_marker = path.name == "__init__.py"
        assert own is not None or is_marker, f"{module} has no place in rewards' layers"
        for imported in list_imports(path):
            target = _rewards_row(imported)
            if own is None or target is None or own[1] == target[1]:
                continue
            assert target[0] > own[0], f"{module} imports {imported}, which is no lower layer"


@pytest.mark.parametrize(("above", "below"), WRONG_WAY)
def test_no_edge_points_the_wrong_way(above: str, below: str) -> None:
    for path in OURS:
        module = name_module(path)
        if module == above or module.startswith(above + "."):
            wrong = {name for name in list_imports(path) if f"{name}.".startswith(below + ".")}
            assert not wrong, f"{module} imports {wrong}"


def test_inside_training_every_import_points_down_too() -> None:
    def find_row(module: str) -> int | None:
        name = module.removeprefix("rft_core.training.")
        return next((number for number, row in enumerate(IN_TRAINING) if name in row), None)

    for path in list_sources("rft_core/training"):
        row = find_row(name_module(path))
        is_marker = path.name == "__init__.py"
        assert row is not None or is_marker, f"{path} has no place in training's rows"
        found = {name: find_row(name) for name in list_imports(path)}
        wrong = {n for n, at in found.items() if at is not None and (row is None or at <= row)}
        assert not wrong, f"{path} imports {wrong}"


def _component(module: str) -> tuple[str, str] | None:
    """The family and the name of a component; the family of a shared one is ""."""
    parts = module.removeprefix("pages.components").strip(".").split(".")
    if not module.startswith("pages.components.") or not parts:
        return None
    return (parts[0], ".".join(parts[1:])) if parts[0] in FAMILIES else ("", parts[0])


def test_inside_pages_families_know_only_those_below() -> None:
    for path in list_sources("pages"):
        module = name_module(path)
        here = _component(module)
        for name in (name for name in list_imports(path) if name.startswith("pages.")):
            assert f"{name}.".startswith("pages.components."), f"{module} imports the page {name}"
            if here is None:  # a page: it knows every component
                continue
            family = (_component(name) or ("", ""))[0]
            allowed = {"", here[0]} | FAMILIES.get(here[0], set())
            assert family in allowed, f"{module} imports {name}, of another family"


def test_every_folder_of_components_is_a_family() -> None:
    folders = {path.parent.name for path in (ROOT / "pages" / "components").glob("*/*.py")}
    assert folders == set(FAMILIES)


def test_streamlit_lives_in_app_and_pages_only() -> None:
    for path in list_sources("rft_core"):
        assert not any(name.split(".")[0] == "streamlit" for name in list_imports(path)), path


def test_heavy_libraries_stay_in_their_layers() -> None:
    for path in OURS:
        if not name_module(path).startswith(MAY_BE_HEAVY):
            assert not {name.split(".")[0] for name in list_imports(path)} & HEAVY, path


def test_pages_touch_no_database_no_process_and_no_model() -> None:
    for path in [ROOT / "app.py", *list_sources("pages")]:
        bad = {name.split(".")[0] for name in list_imports(path)} & FORBIDDEN_IN_PAGES
        assert not bad, f"{path} imports {bad}"


def test_importing_jobs_or_any_page_component_does_not_load_torch() -> None:
    components = [name_module(path) for path in list_sources("pages/components")]
    jobs = [name_module(path) for path in list_sources("rft_core/jobs")]
    names = [*jobs, "rft_core.cli", "rft_core.sampling.service.client", *components]
    page_imports = sorted(
        {
            name
            for path in (ROOT / "pages").glob("*.py")
            for name in list_imports(path)
            if _row(name) is not None and (ROOT / (name.replace(".", "/") + ".py")).exists()
        }
    )
    assert not _loaded_by(names + page_imports, HEAVY)


def test_commands_and_workers_start_without_pandas() -> None:
    assert not _loaded_by(
        ["rft_core.cli.app", "rft_core.jobs.supervisor", "rft_core.worker"], {"pandas"}
    )
    users = {name_module(path) for path in OURS if "sqlite_utils" in list_imports(path)}
    assert users == {"rft_core.store.sqlite.without_pandas"}


def _loaded_by(modules: list[str], libraries: set[str]) -> set[str]:
    """Which of the libraries a new process holds once it has imported these modules."""
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print(*({libraries!r} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_files_and_functions_stay_small() -> None:
    for path in EVERYTHING:
        lines = path.read_text(encoding="utf-8").count("\n")
        assert lines <= MAX_FILE_LINES, f"{path} is too long: find the missing noun"
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                assert length <= MAX_FUNCTION_LINES, f"{path}:{node.name} has {length} lines"


def test_a_folder_can_be_taken_in_at_a_glance() -> None:
    counts = Counter(path.parent for path in OURS)
    assert not {str(folder): count for folder, count in counts.items() if count > MAX_FILES}


def test_every_file_says_what_it_is_for() -> None:
    for path in OURS:
        assert ast.get_docstring(parse(path)), path


def test_the_written_trees_are_the_real_tree() -> None:
    command = [sys.executable, str(ROOT / ".ci" / "write-tree"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_readme_is_read_in_one_sitting() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 200
    assert lines.index("<!-- end of tree -->") - lines.index("<!-- tree -->") - 3 <= 40


def test_no_two_classes_share_a_name() -> None:
    homes: dict[str, list[str]] = {}
    for path in OURS:
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name.strip("_"), []).append(name_module(path))
    assert homes["Problem"] == ["rft_core.types"]
    assert not {name: places for name, places in homes.items() if len(places) > 1}


def test_no_top_level_folder_shadows_a_package() -> None:
    assert not (HEAVY | {"streamlit", "datasets"}) & {p.name for p in ROOT.iterdir()}

"""Reward functions by name, as trainers are told them: `my_rewards:length`, `trl.rewards.f`.

A module of this folder is read as the file that it is. One that is installed is imported where the
rewards run: behind the jail's wall, never here.
"""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

from rft_core.errors import BadInputError, cannot_read
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.exchange.openai_graders import Imported
from rft_core.rewards.exchange.reward_files import read_reward_file
from rft_core.rewards.python_source import reward_set_from_source

FILES = (".py", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".txt", ".md")


def split_name(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Where the functions are, and which: of "module:one,two", "file.py:one" or "module.one"."""
    where, colon, names = text.rpartition(":")
    if not colon and not text.endswith(FILES) and "/" not in text:
        where, _, names = text.rpartition(".")
    parts = tuple(name.strip() for name in names.split(","))
    return (where, parts) if where and all(map(str.isidentifier, parts)) else None


def read_named_functions(where: str, names: tuple[str, ...]) -> Imported:
    """Raises `BadInputError` where there is no such module, or no such function in its file."""
    path = _find_file(where)
    if path is None:
        if not all(part.isidentifier() for part in where.split(".")) or not _is_installed(where):
            raise BadInputError(
                f"There is no module '{where}'",
                "It is no file of this folder, and no package that is installed",
                "Name the file itself: --rewards FILE.py, or FILE.py:FUNCTION",
            )
        listed = ", ".join(names)
        source = f"from {where} import {listed}\n\nREWARD_FUNCS = [{listed}]\n"
        return Imported(reward_set_from_source(source, names[0]))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise cannot_read(path, error) from error
    imported = read_reward_file(path.name, text)
    return replace(imported, rewards=_only(imported.rewards, names, path))


def _find_file(where: str) -> Path | None:
    plain = Path(*where.split("."))
    files = [Path(where)] if where.endswith(".py") else [plain.with_suffix(".py")]
    return next(filter(Path.is_file, [*files, plain / "__init__.py"]), None)


def _is_installed(where: str) -> bool:
    """Whether its package is: to look further would run it."""
    return importlib.util.find_spec(where.partition(".")[0]) is not None


def _only(rewards: RewardSet, names: tuple[str, ...], path: Path) -> RewardSet:
    missing = [name for name in names if name not in rewards.names]
    if missing:
        raise BadInputError(
            f"'{path}' has no reward function '{missing[0]}'",
            f"There are {', '.join(rewards.names)}",
            "Name one of these",
        )
    return replace(rewards, entries=tuple(e for e in rewards.entries if e.name in names))

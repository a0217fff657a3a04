"""A tiny base model and two adapters, made once for all tests of generation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from rft_core.sampling.decoding import fused_models
from rft_core.sampling.decoding.fusing import CannotFuseError
from tests.tiny_model import make_tiny_adapter, make_tiny_model


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Two torch threads on two shared cores are several times slower than one."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny-model"), positions=2048)


@pytest.fixture(scope="session")
def adapters(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("tiny-adapters")
    return [make_tiny_adapter(tiny_model, folder / str(seed), seed=seed) for seed in (1, 2)]


@pytest.fixture
def no_tight_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a model whose shape is not known."""

    def refuse(*_: object) -> None:
        raise CannotFuseError("not here")

    monkeypatch.setattr(fused_models, "fuse", refuse)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """How often weights were taken apart, and how often the two loops were compared."""
    counts = {"fuse": 0, "require_agreement": 0}

    def count(name: str) -> None:
        real = getattr(fused_models, name)

        def counted(*arguments: Any) -> Any:
            counts[name] += 1
            return real(*arguments)

        monkeypatch.setattr(fused_models, name, counted)

    for name in counts:
        count(name)
    return counts

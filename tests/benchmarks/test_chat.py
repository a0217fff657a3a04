"""What a chat through the service is held against: among others, the way it answered before."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from benchmarks.chat import COMPARED, MIXED, Chats, save_adapter
from rft_core.sampling.adapters import BASE
from tests.tiny_model import make_tiny_model


@pytest.fixture
def chats(tmp_path: Path) -> Chats:
    model = str(make_tiny_model(tmp_path / "model"))
    options = argparse.Namespace(model=model, task="countdown", turns=2, new=5)
    return Chats(options, tmp_path / "runs", save_adapter(model, tmp_path / "adapter"))


def test_everything_that_is_compared_is_measured(chats: Chats) -> None:
    arms = chats.make_arms()
    assert {name for pair in COMPARED for name in pair} <= set(arms)
    assert ("service, base + tuned", MIXED) in COMPARED


def test_the_mixed_batch_is_pefts(chats: Chats, monkeypatch: pytest.MonkeyPatch) -> None:
    """Base and tuned row in one call of the PEFT model, and both their tokens counted."""
    seen: list[Any] = []
    forward = chats._tuned.forward

    def watch(*args: Any, **kwargs: Any) -> Any:
        seen.append((len(kwargs["input_ids"]), kwargs["adapter_names"]))
        return forward(*args, **kwargs)

    monkeypatch.setattr(chats._tuned, "forward", watch)
    chats._ends = frozenset()
    assert chats.make_arms()[MIXED](1) == 2 * 2 * 5
    assert seen == [(2, [BASE, "default"])] * 2 * 5

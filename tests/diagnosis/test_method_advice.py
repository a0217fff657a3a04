"""The chooser sends nobody to what does not exist: it says "not yet" of such methods."""

import pytest

from rft_core.config.methods import METHODS
from rft_core.diagnosis import method_advice
from rft_core.diagnosis.method_advice import Situation, advise


def test_preferences_are_sent_to_nothing_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    situation = Situation(verifiable=False, labels=0, preferences=True, reasoning=False)
    without = {name: method for name, method in METHODS.items() if name != "dpo"}
    monkeypatch.setattr(method_advice, "METHODS", without)
    assert advise(situation).next_step.startswith("Not yet in RFT Studio")
    monkeypatch.setattr(method_advice, "METHODS", without | {"dpo": METHODS["grpo"]})
    assert advise(situation).next_step.startswith("Collect chosen / rejected pairs")


def test_supervised_examples_are_sent_to_sft_which_exists() -> None:
    situation = Situation(verifiable=False, labels=5_000, preferences=False, reasoning=False)
    assert "sft" in METHODS and "Not yet" not in advise(situation).next_step

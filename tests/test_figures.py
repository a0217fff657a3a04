"""Curves grow by what is new, and end up as if they had been read at once."""

from pathlib import Path

from rft_core.figures import Curves, extend_curves
from rft_core.store.run_reader import metrics_frame, open_run
from tests.sample_run import begin_run


def test_growing_row_by_row_gives_the_same_curves_as_reading_at_once(tmp_path: Path) -> None:
    run = begin_run(tmp_path)
    grown = Curves()
    for _ in range(12):
        run.train(1)
        with open_run(tmp_path, run.id) as db:
            grown = extend_curves(grown, metrics_frame(db, after_id=grown.last_id))
    with open_run(tmp_path, run.id) as db:
        whole = extend_curves(Curves(), metrics_frame(db))
    run.end()
    assert grown.by_key.keys() == whole.by_key.keys() and grown.last_id == whole.last_id
    for key, curve in whole.by_key.items():
        for name in ("step", "minutes", "tokens", "value"):
            assert (getattr(grown.by_key[key], name) == getattr(curve, name)).all()
    assert grown.last_step == 12
    assert list(grown.get("reward", "validation").step) == [10]  # type: ignore[union-attr]
    assert grown.functions == ["format", "equation", "brevity"]


def test_nothing_new_changes_nothing(tmp_path: Path) -> None:
    run = begin_run(tmp_path)
    run.train(1)
    with open_run(tmp_path, run.id) as db:
        curves = extend_curves(Curves(), metrics_frame(db))
        assert extend_curves(curves, metrics_frame(db, after_id=curves.last_id)) is curves
    run.end()


def test_a_step_measured_again_keeps_its_newest_value(tmp_path: Path) -> None:
    run = begin_run(tmp_path)
    run.train(3)
    with open_run(tmp_path, run.id) as db:
        frame = metrics_frame(db)
    run.end()
    again = frame[frame["step"] == 2].assign(value=7.0)
    curve = extend_curves(extend_curves(Curves(), frame), again).get("reward")
    assert curve is not None
    assert list(curve.step) == [1, 2, 3] and curve.value[1] == 7.0

"""What a reward function logs beside its scores: numbers become curves, evidence is shown."""

from tests.rewards.scoring_cases import report, run


def test_a_logged_column_of_numbers_has_a_mean_and_one_with_words_has_none():
    source = """
def f(completions, log_extra, log_metric, **columns):
    log_extra("seconds", [0.5, None])
    log_extra("fits", [True, False])
    log_extra("mixed", [1, "two"])
    log_extra("infinite", [1, float("inf")])
    log_extra("nothing", [None, None])
    log_extra("said twice", [1, 1])
    log_metric("said twice", 7)
    return [1.0, 0.0]
"""
    assert report(run(source, "a", "b")).metrics == {
        "fits": 0.5, "said twice": 7.0, "seconds": 0.5,
    }  # fmt: skip


def test_evidence_is_a_text_or_a_picture_and_no_other_thing():
    source = """
PNG = bytes([0x89]) + b"PNG" + bytes([13, 10, 26, 10]) + b"..."
class Figure:
    def _repr_png_(self):
        return PNG
def f(completions, log_extra, **columns):
    log_extra("evidence", ["<b>seen</b>", PNG, Figure(), None, b"MZ", "x" * 200_000])
    return [1.0] * len(completions)
"""
    shown = [sample.evidence.get("f") for sample in run(source, *"abcdef").samples]
    assert shown[0] == "<b>seen</b>" and shown[3] is None and shown[4] == "b'MZ'"
    assert shown[1] == shown[2] and shown[1].startswith("data:image/png;base64,iVBOR")
    assert shown[5] == "(left out: 200,000 characters, and at most 100,000 are kept)"

"""The end of a log, whatever was written into it."""

from pathlib import Path

from pages.components.runs.log_tail import MAX_BYTES, log_html, read_log_tail


def test_the_last_lines_of_a_long_log_are_read_from_its_end(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    path.write_text("".join(f"line {i}\n" for i in range(200_000)))
    assert path.stat().st_size > 10 * MAX_BYTES
    assert read_log_tail(path, lines=2) == "line 199998\nline 199999"


def test_a_missing_log_is_empty(tmp_path: Path) -> None:
    assert read_log_tail(tmp_path / "worker.log") == ""


def test_colours_and_redrawn_progress_bars_are_cleaned(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    path.write_bytes(b"\x1b[31mred\x1b[0m\n 10%|#\r 99%|##\r\nbroken \xff byte\n")
    assert read_log_tail(path) == "red\n 99%|##\nbroken � byte"


def test_a_log_is_shown_as_text_whatever_was_written_into_it() -> None:
    shown = log_html("<script>run()</script> & \u202edne")
    assert "<script>" not in shown and "&lt;script&gt;run()&lt;/script&gt; &amp;" in shown
    assert "\u202e" not in shown

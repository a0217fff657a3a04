"""Candidates that write to the answer pipe themselves: in halves, in drops, or far too much."""

import threading

import pytest

from rft_core.sandbox.outcome import Outcome
from rft_core.sandbox.pool import run_jobs
from rft_core.sandbox.session import JailReply
from tests.sandbox.programs import PROGRAM, ask, run

RIGHT = '{"outcome": "ok", "value": {"dict": [["answer", 7]]}, "detail": "", "blocked": []}'
DRIP = f"""
import os, time
body = b'{RIGHT}'
for byte in len(body).to_bytes(4, "big") + body:
    time.sleep(PAUSE)
    os.write(4, bytes([byte]))
while True: time.sleep(9)
"""


FRAMES = {
    "half a header": ("os.write(4, b'\\0\\0')", Outcome.TIMEOUT),
    "a header alone": ("os.write(4, b'\\0\\0\\0\\2')", Outcome.TIMEOUT),
    "half a body": ("os.write(4, b'\\0\\0\\0\\x40{')", Outcome.TIMEOUT),
    "half a body, then the end": ("os.write(4, b'\\0\\0\\0\\x40{'); os._exit(0)", Outcome.KILLED),
    "the largest length there is": ("os.write(4, b'\\xff' * 4)", Outcome.OUTPUT_LIMIT),
    "a frame of nothing": ("os.write(4, b'\\0' * 4)", Outcome.KILLED),
    "the answer pipe closed": ("os.close(4)", Outcome.KILLED),
    "another file in its place": (
        "os.dup2(os.open('x', os.O_RDWR | os.O_CREAT), 4)",
        Outcome.KILLED,
    ),
    "every pipe closed": ("os.closerange(0, 9)", Outcome.KILLED),
    "only the prints closed": ("os.close(1); os.close(2)", Outcome.TIMEOUT),
    "the answer printed": (f"print('{RIGHT}')", Outcome.TIMEOUT),
}


@pytest.mark.parametrize("name", FRAMES)
def test_what_is_no_whole_frame_is_no_answer(name: str) -> None:
    source, outcome = FRAMES[name]
    reply = run(f"import os\n{source}\nwhile True: pass", 0.4)
    assert reply.outcome is outcome and reply.value is None, reply
    assert reply.seconds < 2


def test_a_frame_that_drips_has_until_the_deadline_and_no_longer() -> None:
    reply = run(DRIP.replace("PAUSE", "0.05"), 1.0)
    assert reply.outcome is Outcome.TIMEOUT and reply.seconds < 1.5


def test_one_that_drips_or_floods_delays_only_itself() -> None:
    hostile = [
        DRIP.replace("PAUSE", "0.05"),
        "import os\nos.write(4, b'\\0\\1\\0\\0')\nwhile True: os.write(4, b'{')",
        "while True: print('x' * 100_000)",
    ]
    begun = threading.Barrier(len(hostile) + 1)

    def work(session, source: str) -> JailReply:
        if source in hostile:
            begun.wait(20)
            return ask(session, source, 2.0)
        if source == "answer = 0":
            begun.wait(20)
        return ask(session, source)

    sources = [*hostile, *(f"answer = {number}" for number in range(20))]
    replies = run_jobs(PROGRAM, sources, work, workers=len(hostile) + 1)
    assert [reply.value for reply in replies[3:]] == list(range(20))
    assert all(reply.outcome is not Outcome.OK for reply in replies[:3])
    assert all(reply.seconds < 1.0 for reply in replies[3:])

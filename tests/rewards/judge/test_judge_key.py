"""A judge's API key goes to the named host alone, once somebody allowed it, and is never shown."""

import base64
import json
from urllib.parse import quote

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.judge.keys import HOSTS_VARIABLE, check_key, check_keys, mask
from rft_core.rewards.scorer import Scorer
from tests.rewards.judge.judge_server import chat, serve
from tests.rewards.judge.test_judge import GOOD, judge
from tests.rewards.scoring_cases import make_batch

KEY = "sk-SECRETKEY+0123/456789"
REMOTE = "https://judge.example/v1"


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", KEY)
    monkeypatch.delenv(HOSTS_VARIABLE, raising=False)


def score(behave, **options):
    """The server, and all that a store could keep of the scoring."""
    with serve(behave) as server:
        rewards = judge(server.url, key_variable="JUDGE_KEY", retries=0, **options)
        with Scorer(rewards, timeout=10) as scorer:
            scoring = scorer.score(make_batch("Hello"))
    return scoring, server


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status):
    with serve(lambda *_: GOOD) as other:
        answer = (status, {"Location": f"{other.url}/chat/completions"}, b"")
        scoring, server = score(lambda *_: answer)
    assert other.requests == [] and server.keys == [f"Bearer {KEY}"]
    assert scoring.samples[0].reward is None
    assert "redirect, which is not followed" in scoring.samples[0].reasons["polite"]


def encode(shift):
    return base64.b64encode(b"xyz"[:shift] + f"Bearer {KEY}".encode()).decode()


FORMS = {
    "plain": KEY, "in a header": f"Bearer {KEY}", "for JSON": json.dumps({"key": KEY}),
    "for an address": quote(KEY, safe=""), "in hex": KEY.encode().hex(),
    **{f"base64, {shift} on": encode(shift) for shift in range(3)},
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("where", ["an error", "the reason", "a garbled reply", "beyond the cut"])
def test_a_server_that_echoes_the_key_puts_it_nowhere(form, where, tmp_path):
    answers = {
        "an error": (401, {"X-Key": KEY}, f"bad key {form}".encode()),
        "beyond the cut": (401, {}, b"x" * 290 + form.encode()),
        "the reason": json.dumps({"score": 8, "reason": f"your key is {form}"}),
        "a garbled reply": (200, {}, json.dumps({"error": form}).encode()),
    }
    file = tmp_path / "scores.db"
    scoring, server = score(lambda *_: answers[where], cache_file=str(file))
    assert server.keys[0] == f"Bearer {KEY}"
    kept = repr(scoring).encode() + file.read_bytes()
    for secret in {*FORMS.values(), KEY, KEY[:12]}:
        assert secret.encode() not in kept
    if where in ("an error", "the reason"):
        assert b"[key]" in kept


def test_a_key_hidden_in_escapes_within_the_reason_is_cut_out():
    inner = '{"score": 8, "reason": "' + "".join(f"\\u{ord(c):04x}" for c in KEY) + '"}'
    body = json.dumps(chat(inner)).encode()
    scoring, _ = score(lambda *_: (200, {}, body))
    assert scoring.samples[0].reasons["polite"] == "8 of 10: [key]"


def test_masking_leaves_other_text_alone():
    assert mask("nothing to see", KEY) == "nothing to see"
    assert mask("a b c", "a") == "a b c" and mask("text", "") == "text"


@pytest.mark.parametrize("variable", ["HOME", "AWS_SECRET_ACCESS", "PATH", "KEY_OF_MINE", "TOKENS"])
def test_only_variables_named_like_keys_are_read(variable):
    with pytest.raises(BadInputError, match="_KEY or _TOKEN"):
        Scorer(judge("http://127.0.0.1:9/v1", key_variable=variable))


@pytest.mark.parametrize(
    ("hosts", "url"),
    [
        ("", REMOTE), ("other.example", REMOTE), ("OTHER_KEY@judge.example", REMOTE),
        ("example", REMOTE), ("judge.example:8000", REMOTE), ("*", REMOTE),
        ("judge.example", "https://judge.example.evil.example/v1"),
        ("judge.example", "https://judge.example@evil.example/v1"),
        ("", "http://localhost@evil.example/v1"), ("", "http://127.0.0.1.evil.example/v1"),
    ],
)  # fmt: skip
def test_a_key_goes_to_no_host_that_nobody_has_allowed(monkeypatch, hosts, url):
    monkeypatch.setenv(HOSTS_VARIABLE, hosts)
    rewards = judge(url, key_variable="JUDGE_KEY")
    with pytest.raises(BadInputError) as refused:
        check_keys(rewards)
    assert f"{HOSTS_VARIABLE}=JUDGE_KEY@" in refused.value.fix
    with Scorer(rewards, timeout=5) as scorer, pytest.raises(BadInputError, match="JUDGE_KEY"):
        scorer.score(make_batch("Hello"))


@pytest.mark.parametrize(
    "hosts",
    ["judge.example", "a.example, JUDGE_KEY@judge.example", "Judge.Example:8000"],
)
def test_an_allowed_host_is_allowed(monkeypatch, hosts):
    monkeypatch.setenv(HOSTS_VARIABLE, hosts)
    port = ":8000" if "8000" in hosts else ""
    check_key("polite", f"https://judge.example{port}/v1", "JUDGE_KEY")


def test_this_machine_needs_no_permission_and_a_variable_that_is_empty_neither(monkeypatch):
    for host in ("127.0.0.1", "localhost", "[::1]"):
        check_key("polite", f"http://{host}:8000/v1", "JUDGE_KEY")
    monkeypatch.delenv("JUDGE_KEY")
    check_key("polite", REMOTE, "JUDGE_KEY")


def test_a_key_that_no_header_can_hold_is_named_and_not_shown(monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", f"{KEY}\r\nX-Other: 1")
    with pytest.raises(BadInputError) as refused:
        score(lambda *_: GOOD)
    assert "JUDGE_KEY" in str(refused.value) and KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[" * 300_000 + b"]" * 300_000, "nested too deeply"),
        (b'{"choices": ' + b'{"a":' * 100_000, "nested too deeply"),
        (json.dumps(chat("[" * 300_000 + "]" * 300_000)).encode(), "JSON object"),
        (b" " * (2 << 20), "too large"),
        (b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 1e999}}',
         "no chat completion"),
    ],
    ids=["deep", "deep and open", "deep within", "large", "infinite tokens"],
)  # fmt: skip
def test_a_hostile_answer_has_a_plain_reason(body, reason):
    scoring, _ = score(lambda *_: (200, {}, body))
    assert scoring.samples[0].reward is None
    said = scoring.samples[0].reasons["polite"]
    assert reason in said and "Error" not in said

"""`spanwand redact`: what would go, and why (P6)."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from spanwand.errors import ConfigError
from spanwand_sidecar.commands.redact import redact

TEXT = (
    "Dear Jane,\nmail jane@example.com or jane%40example.org\npay 4111 1111 1111 1111\nyour key AKIAQWERTY2345ASDF67\n"
)
SECRETS = ("jane@example.com", "jane@example.org", "4111 1111 1111 1111", "AKIAQWERTY2345ASDF67", "analytical")


def run(*arguments: str, text: str = "") -> Result:
    result = CliRunner().invoke(redact, list(arguments), input=text, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def spans(tmp_path: Path) -> str:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": f"analytical {TEXT}", "user.id": "jane"}
    span = {
        "traceId": "1" * 32,
        "spanId": "2" * 16,
        "name": "chat",
        "startTimeUnixNano": "1",
        "endTimeUnixNano": "2",
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }
    file = tmp_path / "spans.json"
    file.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))
    return str(file)


def test_a_text() -> None:
    assert run("-", text=TEXT).output == "Dear Jane,\nmail [email] or [email]\npay [card]\nyour key [aws_key]\n\n"


def test_a_text_cannot_drive_the_terminal(tmp_path: Path) -> None:
    """R22: what is no text either. Emoji, tabs and lines stay."""
    file = tmp_path / "garbage"
    file.write_bytes(b"\x1b]0;title\x07\x9b31m\rred\tcell\n" + "\u202egnp.exe \x9b 👩\u200d🎨".encode())
    shown = run(str(file)).output
    assert shown == "\\x1b]0;title\\x07\ufffd31m\\rred\tcell\n\\u202egnp.exe \\x9b 👩\u200d🎨\n"


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nope: cannot be read: No such file"):
        run(str(tmp_path / "nope"))


def test_spans_without_a_model_call_are_said_to_be_that() -> None:
    sent = {
        "resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "1" * 32, "spanId": "2" * 16, "name": "GET /"}]}]}]
    }
    assert "-: no model call in it" in run("-", text=json.dumps(sent)).stderr


def test_a_text_explained_without_its_secrets() -> None:
    output = run("-", "--explain", text=TEXT).output
    for line in (
        "email, line 2: ja… (16 characters)",
        "email, encoded: ja…",
        "card, line 3: 41…",
        "aws_key, line 4: AK…",
    ):
        assert line in output
    assert not any(secret in output for secret in SECRETS)


def test_spans_by_the_configured_policy(spans: str) -> None:
    shown, explained = run(spans).output, run(spans, "--explain").output
    assert not any(secret in shown + explained for secret in SECRETS)
    assert "content.input (gen_ai.input.messages): dropped, 120 characters" in explained
    assert "user (user.id): pseudonym" in explained


def test_spans_by_another_policy_and_rules(spans: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("redact: {rules: [{name: greeting, regex: 'Dear \\w+', action: drop}]}\n")
    shown = run(spans, "--policy", "redacted", "--config", str(config)).output
    assert "analytical ,\nmail [email] or [email]" in shown
    assert "rule greeting: 1" in run(spans, "--policy", "redacted", "--explain", "--config", str(config)).output
    assert "jane@example.com" in run(spans, "--policy", "full").output


def test_spans_that_cannot_be_read_are_said_to_be_a_text() -> None:
    result = run("-", text='{"resourceSpans": [{')
    assert result.stderr == "spanwand: - is taken for a text: line 1: not JSON\n"
    assert run("-", text="a text").stderr == ""

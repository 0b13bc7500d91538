"""`spanwand redact`: what would go, and why (P6)."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from spanwand.errors import ConfigError
from spanwand_sidecar.commands.redact import redact
from spanwand_sidecar.receive.otlp_json import to_protobuf
from spanwand_sidecar.receive.signals import Signal

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
    assert "-: no model call in it, nor an event that is read" in run("-", text=json.dumps(sent)).stderr


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


CALL = {"traceId": "1" * 32, "spanId": "2" * 16, "timeUnixNano": "1"}


def logs(*records: dict[str, Any]) -> str:
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})


def attributes(**values: str) -> list[dict[str, Any]]:
    return [{"key": key.replace("__", "."), "value": {"stringValue": value}} for key, value in values.items()]


SAID = {**CALL, "eventName": "gen_ai.user.message", "body": {"stringValue": f"analytical {TEXT}"}}
JUDGED = {
    **CALL,
    "eventName": "gen_ai.evaluation.result",
    "attributes": attributes(
        gen_ai__evaluation__name="of jane@example.com",
        gen_ai__evaluation__explanation=f"analytical {TEXT}",
        gen_ai__response__id="resp-1",
    ),
}


def test_log_events_by_the_configured_policy() -> None:
    """Prompts travel as log events too: messages as bodies, evaluations as attributes."""
    sent = logs(SAID, JUDGED, {"body": {"stringValue": "analytical line of the app itself"}})
    shown, explained = run("-", text=sent).output, run("-", "--explain", text=sent).output
    assert not any(secret in shown + explained for secret in SECRETS)
    assert "gen_ai.user.message of span 2222222222222222\n  content.input (gen_ai.input.messages): dropped" in explained
    assert "gen_ai.evaluation.result of span 2222222222222222\n  name (gen_ai.evaluation.name): redacted" in explained
    assert "explanation (gen_ai.evaluation.explanation): dropped" in explained


def test_log_events_redacted() -> None:
    shown = run("-", "--policy", "redacted", text=logs(SAID, JUDGED)).output
    assert "analytical Dear Jane,\\nmail [email] or [email]" in shown
    assert "  name: of [email]\n" in shown
    assert "explanation: analytical Dear Jane,\nmail [email] or [email]" in shown
    assert "resp-1" not in shown


def test_log_events_in_protobuf_are_told_from_spans(tmp_path: Path) -> None:
    """Alone and with a length before each, as the Collector's file exporter writes them, together with traces."""
    body = to_protobuf(Signal.LOGS, logs(SAID).encode())
    span = {"traceId": "1" * 32, "spanId": "3" * 16, "attributes": attributes(gen_ai__operation__name="chat")}
    traces = to_protobuf(Signal.TRACES, json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode())
    alone, both = tmp_path / "logs.pb", tmp_path / "both.pb"
    alone.write_bytes(body)
    both.write_bytes(b"".join(len(each).to_bytes(4, "big") + each for each in (body, traces)))
    for file in (alone, both):
        assert "gen_ai.user.message of span 2222222222222222" in run(str(file), "--explain").output
    assert "span 3333333333333333" in run(str(both), "--explain").output


def test_metrics_and_other_json_are_texts() -> None:
    assert run("-", text='{"a": "jane@example.com"}').output == '{"a":"[email]"}\n'
    assert "holds no OTLP of traces or logs" in run("-", text='{"resourceMetrics": []}').stderr


@pytest.mark.parametrize("keys", [("key of jane@example.com",), ("jane@example.com", "jane@example.org")])
def test_attributes_are_called_what_they_are_called_when_they_leave(keys: tuple[str, ...], tmp_path: Path) -> None:
    """Two that have the same name then cannot be told apart; neither is shown by its own."""
    config = tmp_path / "config.yaml"
    config.write_text("gather: {request_attributes: ['*']}\n")
    sent = [*attributes(gen_ai__operation__name="chat"), *({"key": key, "value": {"stringValue": "x"}} for key in keys)]
    span = {"traceId": "1" * 32, "spanId": "2" * 16, "attributes": sent}
    text = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    for arguments in ((), ("--explain",)):
        shown = run("-", *arguments, "--config", str(config), text=text).output
        assert "jane" not in shown
        assert ("attributes.key of [email]" in shown) == (len(keys) == 1)

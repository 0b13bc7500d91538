"""`spanwand explain` tells what becomes of each span, and shows nothing that would not leave (P3, P5, P6)."""

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from tests.support.otlp_json import to_bytes

from spanwand.errors import ConfigError
from spanwand_sidecar.cli import spanwand_command
from spanwand_sidecar.explain import requests

GOLDEN = Path(__file__).parents[1] / "golden"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def attribute(key: str, value: str | float) -> dict[str, Any]:
    kind = {str: "stringValue", int: "intValue", float: "doubleValue"}[type(value)]
    return {"key": key, "value": {kind: str(value) if kind == "intValue" else value}}


def span(number: int, name: str, parent: int = 0, **attributes: str | float) -> dict[str, Any]:
    return {
        "traceId": TRACE,
        "spanId": f"{number:016x}" if number else "",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "name": name,
        "kind": 3,
        "startTimeUnixNano": "1793500000000000000",
        "endTimeUnixNano": "1793500001500000000",
        "attributes": [attribute(key.replace("__", "."), value) for key, value in attributes.items()],
    }


def request(*spans: dict[str, Any]) -> dict[str, Any]:
    resource = {"attributes": [attribute("service.name", "studio")]}
    scope = {"name": "acme", "version": "7"}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]}]}


CALL = span(
    2,
    "chat",
    parent=1,
    gen_ai__operation__name="chat",
    gen_ai__provider__name="anthropic",
    gen_ai__request__model="claude-sonnet-4-5",
    gen_ai__usage__input_tokens=10,
    gen_ai__usage__cache_read__input_tokens=100,
    gen_ai__usage__output_tokens=5,
    gen_ai__usage__cost=0.5,
    gen_ai__input__messages="the fox is at ann@example.com",
    gen_ai__conversation__id="of ann@example.com",
    user__id="ann",
)
PICTURE = span(3, "draw", 1, gen_ai__operation__name="image_generation", gen_ai__request__model="dall-e-3")
ROOT, INNER, BROKEN = span(1, "POST /ann@example.com"), span(4, "SELECT", parent=1), span(0, "no id")
TRACE_OF_ALL = request(CALL, PICTURE, ROOT, INNER, BROKEN, CALL)
LEAKS = ("ann@example.com", "the fox", "'ann'", '"ann"')


def run(data: bytes, *options: str) -> list[str]:
    told = CliRunner().invoke(spanwand_command, ["explain", "-", *options], input=data, catch_exceptions=False)
    assert told.exit_code == 0
    return told.stdout.splitlines()


def explained(data: bytes, *options: str) -> list[dict[str, Any]]:
    documents = [msgspec.json.decode(line) for line in run(data, "--json", *options)]
    return [document for document in documents if "span_id" in document]


BODY = json.dumps(TRACE_OF_ALL).encode()


def test_each_span_is_told() -> None:
    lines = run(BODY)
    for line in (
        "0000000000000002 'chat' [acme 7]: a call of a model",
        "  dialect gen_ai, operation chat, counted in llm/…, 1.5 s",
        "  usage.input_tokens         110  <- gen_ai.usage.input_tokens",
        "  content.input              (dropped, 29 characters)  <- gen_ai.input.messages",
        "  rule: usage.input_tokens: gen_ai.usage.input_tokens (was exclusive of cached tokens)",
        "  rule: odd: exclusive_input",
        "  rule: image.images: one, by default",
        "  patterns taken out: 1 email",
        "  counts: once",
        "  row: kept, weight 1, because rare",
        "0000000000000004 'SELECT' [acme 7]: no model call: none of its 0 attributes tells one",
        "(no id) 'no id' [acme 7]: dropped: invalid_ids",
        "0000000000000002 'chat' [acme 7]: sent before: counts once",
    ):
        assert line in lines
    assert any(line.startswith("  price: 0.000135 USD = 10 input_tokens x 3/M + 100 cached") for line in lines)
    assert any(line.startswith("  price: 0.04 USD = 1 image x 0.04; spanwand's image prices") for line in lines)
    total = "generations 2, errors 0, retries 0, fallbacks 0, input_tokens 110, output_tokens 5, images 1"
    assert f"request 'POST /[email]' of trace {TRACE}: {total}, cost_usd 0.040135" in lines
    assert any("'POST /[email]', root" in line and "names the request" in line for line in lines)


def test_what_is_not_read_is_named() -> None:
    """P3: an attribute that no dialect knows is not kept, so it is told of: its key, never its value."""
    attributes: dict[str, Any] = {"acme__colour": "red", "acme__2__note": "x", "acme__1__note": "y"}
    call = span(
        2, "chat", gen_ai__operation__name="chat", gen_ai__usage__new__tokens=7, ann__at__example="z", **attributes
    )
    assert "  not read: acme.*, acme.colour, ann.at.example, gen_ai.usage.new.tokens" in run(
        json.dumps(request(call)).encode()
    )
    many: dict[str, Any] = {f"k{number}\n": 1 for number in range(40)}
    many = span(2, "chat", gen_ai__operation__name="chat", **many)
    (told,) = explained(json.dumps(request(many)).encode())
    assert (len(told["unread"]), told["unread"][-1]) == (33, "and 8 more")
    assert any(line.startswith("  not read: k0\\n, ") for line in run(json.dumps(request(many)).encode()))


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_nothing_is_shown_that_would_not_leave(options: tuple[str, ...]) -> None:
    """P6: unless `--content` asks for it."""
    told = "\n".join(run(BODY, *options))
    assert not [leak for leak in LEAKS if leak in told]
    assert "the fox is at ann@example.com" in "\n".join(run(BODY, "--content", *options))


def test_for_machines() -> None:
    call, picture, root, inner, broken, repeat = explained(BODY)
    assert [s["kind"] for s in (call, picture, root)] == ["model call", "model call", "root"]
    assert [s["kind"] for s in (inner, broken, repeat)] == ["other", "dropped", "repeat"]
    assert call["price"]["usd"] == pytest.approx(0.000135)
    assert call["redacted"] == {"email": 1}
    assert {"keep": True, "weight": 1.0, "reason": "rare"}.items() <= call["row"].items()
    fields = {field["path"]: field for field in call["fields"]}
    assert fields["usage.cached_input_tokens"] == {
        "path": "usage.cached_input_tokens",
        "value": 100,
        "source": "gen_ai.usage.cache_read.input_tokens",
    }
    assert fields["cost.mismatched"]["value"] is True
    assert fields["user"]["note"] == "pseudonym"


def test_what_is_configured_is_told(tmp_path: Path) -> None:
    config = tmp_path / "spanwand.yaml"
    config.write_text("redact: {policy: redacted}\nsample: {ratio: 0.000001, rare: 0}\nprice: {tolerance: 1e9}\n")
    call, *_ = explained(BODY, "--config", str(config))
    fields = {field["path"]: field for field in call["fields"]}
    assert fields["content.input"]["value"] == "the fox is at [email]"
    assert fields["cost.mismatched"]["value"] is False
    assert call["row"]["keep"] is False
    assert call["redacted"] == {"email": 2}


PROTOBUF = to_bytes(request(CALL))
FRAMED = b"".join(len(body).to_bytes(4, "big") + body for body in (PROTOBUF, to_bytes(request(PICTURE))))
ONE, OTHER = json.dumps(request(CALL)), json.dumps(request(PICTURE))


@pytest.mark.parametrize(
    ("data", "spans"),
    [
        (PROTOBUF, 1),
        (gzip.compress(PROTOBUF), 1),
        (FRAMED, 2),
        (f"{ONE}\n{OTHER}\n".encode(), 2),
        (f"{ONE}{OTHER}".encode(), 2),
        (gzip.compress(f"{ONE}\r\n\r\n{OTHER}".encode()), 2),
        (b"\xef\xbb\xbf" + json.dumps({"request": request(CALL)}, indent=2).encode(), 1),
        (ONE.replace('"kind": 3', '"kind": "SPAN_KIND_CLIENT"').encode(), 1),
    ],
    ids=["protobuf", "gzip", "framed", "lines", "concatenated", "gzipped lines", "capture", "enum names"],
)
def test_every_form_of_a_file_is_read(data: bytes, spans: int) -> None:
    found = explained(data)
    assert [one["kind"] for one in found] == ["model call"] * spans


ONE_OF_EACH = {path.parent.parent.name: path.parent for path in sorted(GOLDEN.glob("*/*/generation.json"))}


def test_an_agent_that_stands_for_its_calls_is_told() -> None:
    """P3: its usage is all there is; the other steps of its request count as nothing."""
    capture = GOLDEN / "nested/smolagents-openinference/agent-own-model/in.json"
    steps = [one for one in explained(capture.read_bytes()) if one.get("kind") == "step"]
    assert [(one["operation"], one.get("is_counted"), one["counted_in"]) for one in steps] == [
        ("execute_tool", None, "request"),
        ("invoke_workflow", None, "request"),
        ("invoke_agent", True, "llm"),
    ]
    assert "counting: aggregate_only" in steps[-1]["rules"]


@pytest.mark.parametrize("source", ONE_OF_EACH)
def test_captures_can_be_explained(source: str) -> None:
    """What is told is what the line makes of it."""
    capture = ONE_OF_EACH[source]
    expected = json.loads((capture / "generation.json").read_text())
    told = {one["span_id"]: one for one in explained((capture / "in.json").read_bytes()) if one.get("dialect")}
    assert told.keys() == {generation["span_id"] for generation in expected}
    for generation in expected:
        one = told[generation["span_id"]]
        shown = {field["path"]: field.get("value") for field in one["fields"]}
        assert (one["dialect"], one["operation"]) == (generation["dialect"], generation["operation"])
        assert one.get("price", {}).get("usd") == pytest.approx(generation.get("cost", {}).get("computed_usd"))
        assert {f"usage.{name}": count for name, count in generation.get("usage", {}).items()}.items() <= shown.items()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "there is nothing in it"),
        (b" \n", "there is nothing in it"),
        (b"hello", "neither OTLP in protobuf nor in JSON"),
        (b"{", "line 1: not JSON"),
        (b"{}\n{]", "line 2: not JSON"),
        (b"{}", "it holds no OTLP traces"),
        (b"[1]", "no OTLP request"),
        (b'{"request": 7}', "no OTLP request"),
        (b'{"resourceLogs": []}', "it holds logs; only traces can be explained"),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xyz"}]}]}]}', "no OTLP in JSON: "),
        (b'{"a": "\xff"}', "not JSON in UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b"\x1f\x8bnothing", "not gzip"),
        (gzip.compress(PROTOBUF)[:-9], "cut short"),
    ],
)
def test_bad_input_is_one_line(data: bytes, message: str) -> None:
    told = CliRunner().invoke(spanwand_command, ["explain", "-"], input=data)
    assert isinstance(told.exception, ConfigError)
    assert message in str(told.exception)
    assert str(told.exception).startswith("-: ")
    assert "\n" not in str(told.exception)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    told = CliRunner().invoke(spanwand_command, ["explain", str(tmp_path / "x")])
    assert str(told.exception) == f"{tmp_path / 'x'}: cannot be read: No such file or directory"


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """K5: inflated no further than the limit."""
    monkeypatch.setattr(requests, "MAX_BYTES", 1 << 20)
    with pytest.raises(ConfigError, match="more than 1 MiB"):
        requests.trace_requests(gzip.compress(bytes(50 << 20)))

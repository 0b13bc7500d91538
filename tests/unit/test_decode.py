"""Decode: what comes out of OTLP bytes, and what is passed over (P1, P3)."""

import math
from collections import Counter

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SentSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from spanwand.any_value import plain
from spanwand.decode import Decode
from spanwand.dialects.parsers import as_sent
from spanwand.drops import DropReason, Drops
from spanwand.otlp.v1 import view_pb2
from spanwand.span import AttributeValue, Keys, Span

KEYS = Keys(
    markers=frozenset({"gen_ai.system"}),
    parsers=dict.fromkeys(("gen_ai.system", "n", "service.name"), as_sent),
    event_parsers={"exception.type": as_sent},
)


def request(*spans: SentSpan) -> bytes:
    body = ExportTraceServiceRequest()
    sent = body.resource_spans.add()
    sent.resource.attributes.add(key="service.name").value.string_value = "comic"
    scope_spans = sent.scope_spans.add()
    scope_spans.scope.name = "app"
    scope_spans.spans.extend(spans)
    return body.SerializeToString()


def sent(*, parent: bytes = b"\3" * 8, marked: bool = True, flags: int = 0x100) -> SentSpan:
    span = SentSpan(trace_id=b"\1" * 16, span_id=b"\2" * 8, parent_span_id=parent, name="chat", flags=flags)
    span.start_time_unix_nano, span.end_time_unix_nano = 5, 9
    if marked:
        span.attributes.add(key="gen_ai.system").value.string_value = "openai"
    return span


def decoded(*spans: SentSpan) -> tuple[list[Span], Drops]:
    drops: Drops = Counter()
    result, received = Decode(KEYS, drops)(request(*spans))
    assert received == len(spans)
    return result, drops


def test_only_read_attributes_come_out() -> None:
    span = sent()
    span.attributes.add(key="password").value.string_value = "never read"
    span.attributes.add(key="n").value.int_value = 3
    (out,), _ = decoded(span)
    assert out.attributes == {"gen_ai.system": "openai", "n": 3}
    assert (out.name, out.start_ns, out.end_ns) == ("chat", 5, 9)
    assert out.resource.attributes == {"service.name": "comic"}
    assert out.resource.scope_name == "app"


@pytest.mark.parametrize(
    ("span", "matters"),
    [
        (sent(marked=False), False),
        (sent(marked=False, parent=b""), True),
        (sent(marked=False, parent=bytes(8)), True),
        (sent(marked=False, flags=0x300), True),
        (sent(marked=False, flags=0x200), False),
        (sent(), True),
    ],
)
def test_spans_that_matter(span: SentSpan, matters: bool) -> None:
    """A model call, or a local root: no parent, or one that the sender knows to be remote."""
    assert len(decoded(span)[0]) == matters


@pytest.mark.parametrize(
    "ids",
    [
        {"trace_id": b""},
        {"trace_id": bytes(16)},
        {"span_id": bytes(8)},
        {"span_id": b"\1" * 7},
        {"trace_id": b"\1" * 17},
    ],
)
def test_invalid_ids_are_dropped_and_counted(ids: dict[str, bytes]) -> None:
    span = sent()
    for field, value in ids.items():
        setattr(span, field, value)
    spans, drops = decoded(span, sent())
    assert len(spans) == 1
    assert drops == {DropReason.INVALID_IDS: 1}


@pytest.mark.parametrize("body", [b"\xff", b"\x0a\x05abc", b"not protobuf at all"])
def test_undecodable_body_is_counted(body: bytes) -> None:
    drops: Drops = Counter()
    assert Decode(KEYS, drops)(body) == ([], 0)
    assert drops == {DropReason.UNDECODABLE: 1}


def test_repeated_key_on_the_wire_last_one_wins() -> None:
    span = sent()
    for value in (1, 2):
        span.attributes.add(key="n").value.int_value = value
    assert decoded(span)[0][0].attributes["n"] == 2


def test_exception_of_a_failed_span() -> None:
    span = sent()
    span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="boom"))
    event = span.events.add(name="exception", time_unix_nano=7)
    event.attributes.add(key="exception.type").value.string_value = "ValueError"
    (out,), _ = decoded(span)
    assert out.status_is_error
    assert out.status_message == "boom"
    assert out.events[0].attributes == {"exception.type": "ValueError"}


def test_one_bad_byte_costs_one_value_not_the_request() -> None:
    """Text of an app may hold anything; a Go or C++ SDK sends it as it is."""
    span = sent()
    span.name = "n####e"
    span.attributes.add(key="n").value.string_value = "x####y"
    body = request(span, sent()).replace(b"####", b"\xff\xfe\xfd\xfc")
    (out, _), received = Decode(KEYS, Counter())(body)
    assert received == 2
    assert out.name == "n" + "\ufffd" * 4 + "e"
    assert out.attributes["n"] == "x" + "\ufffd" * 4 + "y"


def read(raw: bytes) -> AttributeValue:
    return plain(view_pb2.AnyValue.FromString(raw))


def any_value(**kwargs: object) -> AnyValue:
    return AnyValue(**kwargs)  # type: ignore[arg-type]  # one field of the oneof, by name


@pytest.mark.parametrize("text", ["", "a", "ü" * 40, "x" * 125, "x" * 126, "x" * 127, "x" * 128, "x" * 20_000])
def test_strings_of_every_length(text: str) -> None:
    assert read(any_value(string_value=text).SerializeToString()) == text


@pytest.mark.parametrize("number", [0, 1, 127, 128, 16_383, 16_384, 2**31, 2**63 - 1, -1, -(2**63)])
def test_integers_of_every_size(number: int) -> None:
    assert read(any_value(int_value=number).SerializeToString()) == number


@pytest.mark.parametrize("number", [0.0, -1.5, math.inf, 1e308])
def test_doubles(number: float) -> None:
    assert read(any_value(double_value=number).SerializeToString()) == number


def test_other_values() -> None:
    nested = AnyValue()
    nested.array_value.values.add().string_value = "stop"
    nested.array_value.values.add().kvlist_value.values.add(key="k").value.bool_value = True
    for _ in range(2):
        assert read(nested.SerializeToString()) == ("stop", {"k": True})
        assert read(any_value(bool_value=False).SerializeToString()) is False
        assert read(any_value(bytes_value=b"\0").SerializeToString()) == b"\0"
        assert read(AnyValue().SerializeToString()) is None


def test_a_sender_that_writes_values_before_keys() -> None:
    """P1: the order of fields is the sender's choice, so such a model call is one as well."""
    key, value = b"\x0a\x0dgen_ai.system", b"\x12\x08\x0a\x06openai"
    body = request(sent()).replace(key + value, value + key)
    name, studio = b"\x0a\x0cservice.name", b"\x12\x07\x0a\x05comic"
    spans, _ = Decode(KEYS, Counter())(body.replace(name + studio, studio + name))
    assert [span.attributes for span in spans] == [{"gen_ai.system": "openai"}]


def test_a_marker_in_another_span_or_value_changes_nothing() -> None:
    """Whether spans are looked at closely depends on the whole request, what comes out does not."""
    mentions = sent(marked=False)
    mentions.attributes.add(key="n").value.string_value = "gen_ai.system"
    spans, _ = decoded(mentions, sent(), sent(marked=False))
    assert [span.attributes for span in spans] == [{"gen_ai.system": "openai"}]
    assert decoded(mentions)[0] == []

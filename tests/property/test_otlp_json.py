"""OTLP/JSON becomes the protobuf bytes of the same request (R15 §7), for any request of any signal.

The JSON is made from messages by protobuf's own mapping with the ids put right, so writer and reader share nothing.
"""

import base64
import contextlib
import json
from functools import cache
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanwand_sidecar.receive.otlp_json import REQUESTS, NotOtlpJson, to_protobuf
from spanwand_sidecar.receive.signals import Signal

IDS = frozenset({"traceId", "spanId", "parentSpanId"})
SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.TYPE_STRING: st.text(max_size=8),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=16),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_DOUBLE: st.floats(),
    FieldDescriptor.TYPE_ENUM: st.integers(0, 3),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SINT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SFIXED64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_FIXED64: st.integers(0, 2**64 - 1),
}


@cache
def messages(descriptor: Descriptor) -> st.SearchStrategy[Message]:
    """Messages with some of their fields; one of a oneof at most."""

    @st.composite
    def build(draw: st.DrawFn) -> Message:
        message = GetMessageClass(descriptor)()
        oneofs = set()
        for number in sorted(draw(st.sets(st.sampled_from(sorted(descriptor.fields_by_number)), max_size=4))):
            field = descriptor.fields_by_number[number]
            if field.containing_oneof and field.containing_oneof.name in oneofs:
                continue
            oneofs.add(field.containing_oneof.name if field.containing_oneof else field.name)
            put(draw, message, field)
        return message

    return build()


def put(draw: st.DrawFn, message: Any, field: FieldDescriptor) -> None:
    if field.message_type:
        inner = messages(field.message_type)
        if field.is_repeated:
            getattr(message, field.name).extend(draw(st.lists(inner, min_size=1, max_size=2)))
        else:
            getattr(message, field.name).CopyFrom(draw(inner))
    elif field.is_repeated:
        getattr(message, field.name).extend(draw(st.lists(SCALARS[field.type], max_size=3)))
    else:
        setattr(message, field.name, draw(SCALARS[field.type]))


def to_json(message: Message) -> Any:
    return with_hex_ids(MessageToDict(message, use_integers_for_enums=True))


def with_hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [with_hex_ids(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64decode(inner).hex().upper() if name in IDS else with_hex_ids(inner)
        for name, inner in value.items()
    }


def canonical(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


@pytest.mark.parametrize("signal", Signal)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_same_request(signal: Signal, data: st.DataObject) -> None:
    sent = data.draw(messages(REQUESTS[signal].DESCRIPTOR))
    read = REQUESTS[signal].FromString(to_protobuf(signal, json.dumps(to_json(sent)).encode()))
    assert canonical(read) == canonical(sent)


def trace(span: Any) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


def read_span(span: Any) -> Any:
    read = ExportTraceServiceRequest.FromString(to_protobuf(Signal.TRACES, trace(span)))
    return read.resource_spans[0].scope_spans[0].spans[0]


@pytest.mark.parametrize(
    ("json_value", "field", "value"),
    [
        ({"spanId": "EEE19b7ec3c1B174"}, "span_id", bytes.fromhex("eee19b7ec3c1b174")),
        ({"startTimeUnixNano": "1544712660000000000"}, "start_time_unix_nano", 1544712660000000000),
        ({"startTimeUnixNano": 1544712660000000000}, "start_time_unix_nano", 1544712660000000000),
        ({"startTimeUnixNano": 1.5e18}, "start_time_unix_nano", 1500000000000000000),
        ({"kind": 3}, "kind", 3),
        ({"kind": 77}, "kind", 77),
        ({"flags": "256"}, "flags", 256),
        ({"name": None}, "name", ""),
        ({"trace_id": "00", "unknown": [{"deep": {}}]}, "trace_id", b""),
        ({"name": "a\0\u202e\x1b[31m"}, "name", "a\0\u202e\x1b[31m"),
    ],
)
def test_values_as_otlp_json_has_them(json_value: Any, field: str, value: object) -> None:
    assert getattr(read_span(json_value), field) == value


@pytest.mark.parametrize(
    ("text", "value"), [("NaN", "nan"), ("Infinity", "inf"), ("-Infinity", "-inf"), (0.5, "0.5"), ("0.5", "0.5")]
)
def test_doubles(text: object, value: str) -> None:
    span = read_span({"attributes": [{"key": "x", "value": {"doubleValue": text}}]})
    assert str(span.attributes[0].value.double_value) == value


@pytest.mark.parametrize("text", ["aGk_Pz8-", "aGk/Pz8+", "aGk_Pz8-=="])
def test_bytes_in_either_alphabet(text: str) -> None:
    span = read_span({"attributes": [{"key": "x", "value": {"bytesValue": text}}]})
    assert span.attributes[0].value.bytes_value == base64.b64decode("aGk/Pz8+")


@pytest.mark.parametrize(
    ("escape", "name"),
    [
        (rb"\ud83d", "\ufffd"),
        (rb"\ud83d\ude00", "\U0001f600"),
        (rb"\ude00x", "\ufffdx"),
        (rb"\\ud83d\ud83d", "\\ud83d\ufffd"),
    ],
)
def test_half_an_emoji_costs_one_character_not_the_request(escape: bytes, name: str) -> None:
    """R22: JavaScript writes what is left of a cut text as a lone surrogate."""
    body = trace({"name": "HERE"}).replace(b"HERE", escape)
    read = ExportTraceServiceRequest.FromString(to_protobuf(Signal.TRACES, body))
    assert read.resource_spans[0].scope_spans[0].spans[0].name == name


@pytest.mark.parametrize(
    "span",
    [
        {"kind": "SPAN_KIND_SERVER"},
        {"kind": 2**40},
        {"kind": True},
        {"traceId": "xyz"},
        {"traceId": "0 0"},
        {"traceId": 5},
        {"startTimeUnixNano": -1},
        {"startTimeUnixNano": 2**64},
        {"startTimeUnixNano": "1e3"},
        {"startTimeUnixNano": True},
        {"startTimeUnixNano": 1.5},
        {"name": 5},
        {"attributes": {}},
        {"attributes": [None]},
        {"attributes": [{"key": "x", "value": {"bytesValue": "%"}}]},
        {"attributes": [{"key": "x", "value": {"doubleValue": "1_0"}}]},
        {"attributes": [{"key": "x", "value": {"doubleValue": 10**400}}]},
        {"attributes": [{"key": "x", "value": {"boolValue": "true"}}]},
        {"attributes": [{"key": "x", "value": "text"}]},
        [],
    ],
)
def test_what_is_refused_is_not_repeated_in_the_message(span: Any) -> None:
    with pytest.raises(NotOtlpJson) as info:
        to_protobuf(Signal.TRACES, trace(span))
    assert "xyz" not in str(info.value)
    assert "SERVER" not in str(info.value)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("body", [b"[" * 5_000_000, b'{"spans":' * 500_000, b"1" * 5_000_000, b"\\" * 5_000_000])
def test_bombs_are_refused_at_once(body: bytes) -> None:
    """R18."""
    with pytest.raises(NotOtlpJson):
        to_protobuf(Signal.TRACES, body)


def test_a_value_too_deep_is_refused() -> None:
    value: Any = {"stringValue": "bottom"}
    for _ in range(200):
        value = {"arrayValue": {"values": [value]}}
    with pytest.raises(NotOtlpJson, match="deep"):
        read_span({"attributes": [{"key": "x", "value": value}]})


NAMES = st.sampled_from(["resourceSpans", "scopeSpans", "spans", "attributes", "value", "x"])
SCALAR = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.integers()
DOCUMENTS = st.recursive(SCALAR, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner))


@given(DOCUMENTS.map(lambda document: json.dumps(document).encode()) | st.binary())
@settings(max_examples=200, deadline=None)
def test_anything_else_is_read_or_refused(body: bytes) -> None:
    """R16: nothing else is raised."""
    with contextlib.suppress(NotOtlpJson):
        ExportTraceServiceRequest.FromString(to_protobuf(Signal.TRACES, body))

"""The look before the parse (P1, K5): right counts, wrong framing found, bombs stopped early."""

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanwand_sidecar.receive.prescan import Scan, prescan


def request(*spans_of_scopes: int) -> bytes:
    message = ExportTraceServiceRequest()
    for spans in spans_of_scopes:
        resource_spans = message.resource_spans.add(schema_url="https://example.org")
        resource_spans.resource.attributes.add(key="service.name").value.string_value = "shop" * 100
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = "tests"
        for number in range(spans):
            span = scope_spans.spans.add(name="s" * number, trace_id=bytes(16), end_time_unix_nano=1)
            span.attributes.add(key="n").value.double_value = number
    return message.SerializeToString()


@pytest.mark.parametrize("spans", [(), (0,), (1,), (3, 0, 40), (300,)])
def test_counts_spans(spans: tuple[int, ...]) -> None:
    assert prescan(request(*spans), 10_000) == Scan(sum(spans))


def test_an_empty_body_is_an_empty_request() -> None:
    assert prescan(b"", 1) == Scan(0)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"\x0a",
        b"\x0a\x05ab",
        b"not protobuf at all",
        b"\x0a\x02\x12\x05",  # a scope longer than its resource
        b"\x0b\x0c",  # groups, which OTLP has none of
        b"\x0a" + b"\x80" * 11,  # a varint without an end
        b'{"resourceSpans": []}',
    ],
)
def test_wrong_framing_is_found(body: bytes) -> None:
    assert not prescan(body, 100).ok


def test_unknown_fields_of_every_wire_type_are_passed_over() -> None:
    unknown = b"\x78\x96\x01" + b"\x79" + bytes(8) + b"\x7a\x02ab" + b"\x7d" + bytes(4)
    assert prescan(unknown + request(2) + unknown, 100) == Scan(2)


def test_a_bomb_of_empty_spans_is_stopped_early() -> None:
    """4 MiB of empty spans become 354 MB when parsed (battery R18)."""
    spans = b"\x12\x00" * 1_000_000
    scope = b"\x12" + varint(len(spans)) + spans
    scan = prescan(b"\x0a" + varint(len(scope)) + scope, 10_000)
    assert scan.too_many
    assert scan.items <= 10_000


@pytest.mark.parametrize("part", [b"\x0a\x00", b"\x78\x00"])
def test_a_bomb_of_anything_else_is_stopped_early(part: bytes) -> None:
    assert prescan(part * 1_000_000, 10_000).too_many


def varint(number: int) -> bytes:
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*data, number])

"""Decode and normalise never raise, whatever arrives (P1, P3)."""

from collections import Counter

from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.spans import parsed

from spanwand.any_value import plain
from spanwand.decode import Decode
from spanwand.dialects.parsers import as_sent
from spanwand.key_values import KeyValues
from spanwand.normalise import Normalise
from spanwand.otlp.v1.view_pb2 import AnyValue, KeyValue
from spanwand.span import AttributeValue, Span, SpanEvent, SpanResource

normalise = Normalise(("comic.id",))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
VALUES: st.SearchStrategy[AttributeValue] = st.recursive(
    SCALARS, lambda inner: st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner), max_leaves=5
)
LIKELY = st.sampled_from(
    ["", "chat", "IMAGE", "1024x1024", "x", "17", "-1", "1e999", "nan", "[", '["a"]', "0x10", "١٢"]
)
ATTRIBUTES = st.dictionaries(st.sampled_from(sorted(normalise.keys.parsers)) | st.text(), LIKELY | VALUES)


@given(st.binary())
@settings(max_examples=500)
def test_decode_never_raises_on_any_bytes(body: bytes) -> None:
    Decode(normalise.keys, Counter())(body)


@given(st.binary(max_size=60), st.integers(0, 20))
@settings(max_examples=500)
def test_decode_never_raises_on_damaged_requests(noise: bytes, at: int) -> None:
    body = bytes.fromhex("0a1e0a0d0a0b0a016e1206180112020a00120d0a001209") + noise
    Decode(normalise.keys, Counter())(body[:at] + noise + body[at:])


@given(st.lists(st.binary(max_size=24)))
@settings(max_examples=1000)
def test_values_never_raise_on_any_bytes(sent: list[bytes]) -> None:
    """Whatever the value of a key that is read, and whatever stands in the place of an attribute."""
    known = KeyValues({"k": as_sent})
    known.attributes([*sent, *(b"\x0a\x01k\x12" + bytes([len(raw)]) + raw for raw in sent)])


@given(
    st.builds(bytes.__add__, st.sampled_from([b"", b"s" * 16_240]), st.binary(max_size=140)),
    st.binary(max_size=8),
    st.sampled_from([b"", b"\x0a\x01k", b"\x12\x00", b"\x08\x01"]),
)
@settings(max_examples=500)
def test_texts_are_what_a_parser_makes_of_them(text: bytes, noise: bytes, more: bytes) -> None:
    """P3: they are read without one, where their lengths take one byte or two."""
    for value in (AnyValue(string_value=text), AnyValue(bytes_value=text), AnyValue(bool_value=True)):
        sent = KeyValue(key=b"k", value=value).SerializeToString()
        for raw in (sent, sent + noise, sent[: len(noise)], sent + more, more + sent):
            try:
                message = KeyValue.FromString(raw)
            except DecodeError:
                expected = None
            else:
                expected = plain(message.value) if message.key == b"k" else None
            assert KeyValues({"k": as_sent}).attributes([raw]).get("k") == expected


@given(
    attributes=ATTRIBUTES,
    event=ATTRIBUTES,
    resource=ATTRIBUTES,
    name=st.text(),
    times=st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)),
    failed=st.booleans(),
)
@settings(max_examples=300)
def test_normalise_never_raises(
    attributes: dict[str, AttributeValue],
    event: dict[str, AttributeValue],
    resource: dict[str, AttributeValue],
    name: str,
    times: tuple[int, int],
    failed: bool,
) -> None:
    """P3: wrong types, huge numbers and empty texts say nothing; times may run backwards."""
    attributes = parsed(attributes)
    span = Span(
        trace_id=b"\1" * 16,
        span_id=b"\2" * 8,
        name=name,
        start_ns=times[0],
        end_ns=times[1],
        attributes=attributes,
        events=(SpanEvent("exception", 0, parsed(event)),) if failed else (),
        resource=SpanResource(parsed(resource)),
        status_is_error=failed,
    )
    generation = normalise(span)
    root = normalise.root(span)
    assert root is not None
    assert (generation is None) == normalise.keys.markers.isdisjoint(attributes)
    if generation is not None:
        assert generation.latency_s is None or generation.latency_s >= 0
        for count in (generation.usage.input_tokens, generation.usage.output_tokens):
            assert count is None or count >= 0
        for text in (generation.request_model, generation.user, generation.service.name, generation.experiment):
            assert isinstance(text, str)

"""OTLP/JSON -> the protobuf bytes of the same request, so that the journal and the line know one form.

Not protobuf's own JSON mapping, which reads hex ids as base64 (three bytes of every four stay, all wrong), takes
enum names and refuses unknown fields. The fields come from the OTLP descriptors; nothing is listed here.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanwand_sidecar.receive.json_values import Convert, converter
from spanwand_sidecar.receive.signals import Signal

REQUESTS: Mapping[Signal, type[Message]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
}
MAX_DEPTH = 60
"""Messages inside each other. Nothing that an SDK sends comes near."""
MAX_REPAIRED_BYTES = 8 << 20
"""The repair takes 50 ms a megabyte at worst, during which nothing else runs."""
_CONTAINER_BYTES, _ITEM_BYTES = 240, 64
"""Memory of a parsed object or list, and of any value in one."""
_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE_SURROGATE = re.compile(rb"(?<!\\)((?:\\\\)*+)(?:%b(?!%b)|(?<!%b)%b)" % (_HIGH, _LOW, _HIGH, _LOW))
"""An escape of half an emoji, where an app cut a text: JavaScript writes it, no text in UTF-8 can hold it."""

Setter = Callable[[Any, Any, int], None]
"""Puts a JSON value into a message, at a depth."""


class NotOtlpJson(ValueError):
    """The message says what is wrong and where, in names of OTLP's own: nothing that was sent is in it."""


def parsed_bytes(body: bytes) -> int:
    """An upper estimate of the memory that parsing takes; brackets and commas inside texts count too."""
    containers = body.count(b"{") + body.count(b"[")
    return len(body) + _CONTAINER_BYTES * containers + _ITEM_BYTES * body.count(b",")


def to_protobuf(signal: Signal, body: bytes) -> bytes:
    """The serialised Export request of a signal. Raises NotOtlpJson."""
    request = REQUESTS[signal]()
    if body:
        _fill(request, _decode(body), 0)
    return request.SerializeToString()


def _decode(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.MsgspecError, ValueError):
        return _decode_repaired(body)


def _decode_repaired(body: bytes) -> object:
    repaired = _LONE_SURROGATE.sub(rb"\1\\ufffd", body) if len(body) <= MAX_REPAIRED_BYTES else body
    try:
        return msgspec.json.decode(repaired)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise NotOtlpJson("body is not JSON in UTF-8") from None


def _too_deep() -> NotOtlpJson:
    return NotOtlpJson(f"nested over {MAX_DEPTH} messages deep")


def _fill(message: Message, document: object, depth: int) -> None:
    """Set every known field of a message; null is absent, unknown names are passed over."""
    if not isinstance(document, dict):
        raise NotOtlpJson(f"{message.DESCRIPTOR.name} must be an object")
    if depth > MAX_DEPTH:
        raise _too_deep()
    setters = _setters(message.DESCRIPTOR)
    for name, value in document.items():
        setter = setters.get(name)
        if setter is None or value is None:
            continue
        try:
            setter(message, value, depth + 1)
        except NotOtlpJson:
            raise
        except (TypeError, ValueError, OverflowError):
            raise NotOtlpJson(f"{message.DESCRIPTOR.name}.{name} has a value it cannot have") from None


@cache
def _setters(descriptor: Descriptor) -> Mapping[str, Setter]:
    return {field.json_name: _setter(field) for field in descriptor.fields}


def _setter(field: FieldDescriptor) -> Setter:
    name, repeated = field.name, field.is_repeated
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return _set_messages(name) if repeated else _set_message(name)
    convert = converter(field)
    return _set_values(name, convert) if repeated else _set_value(name, convert)


def _set_message(name: str) -> Setter:
    def set_message(message: Any, value: object, depth: int) -> None:
        inner = getattr(message, name)
        inner.SetInParent()
        _fill(inner, value, depth)

    return set_message


def _set_messages(name: str) -> Setter:
    def set_messages(message: Any, value: object, depth: int) -> None:
        inner = getattr(message, name)
        for each in _list(value):
            _fill(inner.add(), each, depth)

    return set_messages


def _set_value(name: str, convert: Convert) -> Setter:
    return lambda message, value, _: setattr(message, name, convert(value))


def _set_values(name: str, convert: Convert) -> Setter:
    return lambda message, value, _: getattr(message, name).extend(map(convert, _list(value)))


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value

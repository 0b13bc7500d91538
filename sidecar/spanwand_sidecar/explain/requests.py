"""OTLP as people have it in files -> the requests in it, of traces or of logs, as protobuf.

Protobuf: one request, or several with their length before each in four bytes, as the Collector's file exporter writes
them. JSON: one or more requests, on a line each or not, or our captures (`{"request": ...}`). Either may be gzipped.
"""

import json
import re
import zlib
from collections.abc import Iterator, Mapping

import msgspec
from google.protobuf.message import DecodeError

from spanwand.errors import ConfigError
from spanwand.otlp.v1 import logs_view_pb2, view_pb2
from spanwand_sidecar.receive.otlp_json import NotOtlpJson, to_protobuf
from spanwand_sidecar.receive.signals import Signal

MAX_BYTES = 64 << 20
"""Of a file, inflated."""
_GZIP, _GZIP_WINDOW_BITS = b"\x1f\x8b", 31
_LENGTH_BYTES = 4
_SPACE = b" \t\r\n\xef\xbb\xbf"
_NO_SPACE = re.compile(r"[^ \t\r\n]")
_KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_ENUMS = {f"SPAN_KIND_{kind}": number for number, kind in enumerate(_KINDS)}
_ENUMS |= {f"STATUS_CODE_{code}": number for number, code in enumerate(("UNSET", "OK", "ERROR"))}
"""OTLP/JSON has the numbers, and our receiver takes nothing else; protobuf's own JSON has the names."""
_SIGNALS: Mapping[str, Signal] = {"resourceLogs": Signal.LOGS, "resourceMetrics": Signal.METRICS}
"""By what a document holds; all others are traces."""
Request = tuple[Signal, bytes]
"""What is in it, and the protobuf."""


def requests(data: bytes) -> list[Request]:
    """The requests in a file, whatever they hold. Raises ConfigError, one line, if it is no OTLP."""
    data = _inflated(data)
    if len(data) > MAX_BYTES:
        raise ConfigError(f"more than {MAX_BYTES >> 20} MiB: explain a part of it")
    if not data.strip(_SPACE):
        raise ConfigError("there is nothing in it")
    if data.lstrip(_SPACE)[:1] in b"{[":
        return _from_json(data)
    return [(_signal(body), body) for body in _framed(data) or [data]]


def trace_requests(data: bytes) -> list[view_pb2.TracesRequest]:
    """The trace requests in a file that holds nothing else. Raises ConfigError, one line, if that is not so."""
    found = requests(data)
    other = next((signal for signal, _ in found if signal is not Signal.TRACES), None)
    if other:
        raise ConfigError(f"it holds {other}; only traces can be explained")
    parsed = [_parse(body) for _, body in found]
    if not any(request.resource_spans for request in parsed):
        raise ConfigError("it holds no OTLP traces")
    return parsed


def _inflated(data: bytes) -> bytes:
    if not data.startswith(_GZIP):
        return data
    inflater = zlib.decompressobj(_GZIP_WINDOW_BITS)
    try:
        body = inflater.decompress(data, MAX_BYTES + 1)
    except zlib.error:
        raise ConfigError("it is not gzip, though it begins so") from None
    if not inflater.eof and len(body) <= MAX_BYTES:
        raise ConfigError("its gzip is cut short")
    return body


def _framed(data: bytes) -> list[bytes]:
    """The pieces behind their lengths; none if the data is not that."""
    pieces, at = [], 0
    while at < len(data):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data) or at == start:
            return []
        pieces.append(data[start:at])
    return pieces


def _signal(body: bytes) -> Signal:
    """Spans have ids where log records have none: in protobuf nothing else tells the two apart."""
    spans = [span for sent in _parse(body).resource_spans for scope in sent.scope_spans for span in scope.spans]
    return Signal.TRACES if any(span.trace_id or span.span_id for span in spans) or not _is_logs(body) else Signal.LOGS


def _is_logs(body: bytes) -> bool:
    try:
        request = logs_view_pb2.LogsRequest.FromString(body)
    except DecodeError:
        return False
    records = [record for sent in request.resource_logs for scope in sent.scope_logs for record in scope.log_records]
    return any(record.time_unix_nano or record.observed_time_unix_nano or record.event_name for record in records)


def _parse(body: bytes) -> view_pb2.TracesRequest:
    try:
        return view_pb2.TracesRequest.FromString(body)
    except DecodeError:
        raise ConfigError("it is neither OTLP in protobuf nor in JSON") from None


def _from_json(data: bytes) -> list[Request]:
    try:
        return [_converted(document) for document in _documents(data.decode().strip("\ufeff"))]
    except UnicodeDecodeError:
        raise ConfigError("it is not JSON in UTF-8") from None
    except RecursionError:
        raise ConfigError("its JSON is nested too deep") from None
    except NotOtlpJson as error:
        raise ConfigError(f"it is no OTLP in JSON: {error}") from None


def _documents(text: str) -> Iterator[object]:
    """The JSON values that follow each other in a text."""
    decode, at = json.JSONDecoder().raw_decode, _next(text, 0)
    while at < len(text):
        try:
            document, end = decode(text, at)
        except json.JSONDecodeError as error:
            raise ConfigError(f"line {error.lineno}: not JSON") from None
        yield document
        at = _next(text, end)


def _next(text: str, at: int) -> int:
    """Where the next thing that is no space begins."""
    found = _NO_SPACE.search(text, at)
    return found.start() if found else len(text)


def _converted(document: object) -> Request:
    if isinstance(document, dict):
        document = document.get("request", document)
    if not isinstance(document, dict):
        raise ConfigError("its JSON is no OTLP request")
    signal = next((signal for key, signal in _SIGNALS.items() if key in document), Signal.TRACES)
    return signal, to_protobuf(signal, msgspec.json.encode(_numbered(document)))


def _numbered(value: object) -> object:
    """The same with names of kinds and status codes as numbers."""
    if isinstance(value, list):
        return [_numbered(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {key: _ENUMS.get(value[key], value[key]) for key in ("kind", "code") if isinstance(value.get(key), str)}
    return {key: _numbered(item) for key, item in value.items()} | named

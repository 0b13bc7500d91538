"""OTLP as people have it in files -> the trace requests in it, as protobuf.

Protobuf: one request, or several with their length before each in four bytes, as the Collector's file exporter writes
them. JSON: one or more requests, on a line each or not, or our captures (`{"request": ...}`). Either may be gzipped.
"""

import json
import re
import zlib
from collections.abc import Iterator

import msgspec
from google.protobuf.message import DecodeError

from spanwand.errors import ConfigError
from spanwand.otlp.v1 import view_pb2
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
_OTHERS = {"resourceLogs": "logs", "resourceMetrics": "metrics"}


def trace_requests(data: bytes) -> list[view_pb2.TracesRequest]:
    """The requests in a file. Raises ConfigError, one line, if it holds none."""
    data = _inflated(data)
    if len(data) > MAX_BYTES:
        raise ConfigError(f"more than {MAX_BYTES >> 20} MiB: explain a part of it")
    if not data.strip(_SPACE):
        raise ConfigError("there is nothing in it")
    bodies = _from_json(data) if data.lstrip(_SPACE)[:1] in b"{[" else _framed(data) or [data]
    requests = [_parse(body) for body in bodies]
    if not any(request.resource_spans for request in requests):
        raise ConfigError("it holds no OTLP traces")
    return requests


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


def _parse(body: bytes) -> view_pb2.TracesRequest:
    try:
        return view_pb2.TracesRequest.FromString(body)
    except DecodeError:
        raise ConfigError("it is neither OTLP in protobuf nor in JSON") from None


def _from_json(data: bytes) -> list[bytes]:
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


def _converted(document: object) -> bytes:
    if isinstance(document, dict):
        document = document.get("request", document)
    if not isinstance(document, dict):
        raise ConfigError("its JSON is no OTLP request")
    other = next((name for key, name in _OTHERS.items() if key in document), "")
    if other:
        raise ConfigError(f"it holds {other}; only traces can be explained")
    return to_protobuf(Signal.TRACES, msgspec.json.encode(_numbered(document)))


def _numbered(value: object) -> object:
    """The same with names of kinds and status codes as numbers."""
    if isinstance(value, list):
        return [_numbered(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {key: _ENUMS.get(value[key], value[key]) for key in ("kind", "code") if isinstance(value.get(key), str)}
    return {key: _numbered(item) for key, item in value.items()} | named

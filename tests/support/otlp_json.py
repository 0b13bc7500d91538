"""OTLP/JSON and protobuf bytes, both ways, for captures.

protobuf's own JSON mapping writes trace and span ids as base64; OTLP/JSON wants hex. Only that is put right here.
"""

import base64
import copy
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

Json = dict[str, Any]
ID_FIELDS = ("traceId", "spanId", "parentSpanId")


def spans_of(request: Json) -> Iterator[Json]:
    """Every span object of a request in OTLP/JSON."""
    for resource_spans in request.get("resourceSpans", ()):
        for scope_spans in resource_spans.get("scopeSpans", ()):
            yield from scope_spans.get("spans", ())


def with_ids(request: Json, convert: Callable[[str], str]) -> Json:
    """A copy of a request with every id converted."""
    copied = copy.deepcopy(request)
    for span in spans_of(copied):
        for holder in (span, *span.get("links", ())):
            holder.update({field: convert(holder[field]) for field in ID_FIELDS if field in holder})
    return copied


def to_json(body: bytes) -> Json:
    """An OTLP traces request in protobuf as OTLP/JSON."""
    request = MessageToDict(ExportTraceServiceRequest.FromString(body))
    return with_ids(request, lambda text: base64.b64decode(text).hex())


def to_bytes(request: Json) -> bytes:
    """An OTLP/JSON traces request as protobuf."""
    in_base64 = with_ids(request, lambda text: base64.b64encode(bytes.fromhex(text)).decode())
    return ParseDict(in_base64, ExportTraceServiceRequest()).SerializeToString()

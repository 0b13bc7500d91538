"""A captured request without what differs from run to run: ids, times, ports and paths are counted or constant."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.otlp_json import Json, spans_of, with_ids

EPOCH_NS = 1_790_000_000_000_000_000
STEP_NS = 10_000_000
ROOT = Path(__file__).parents[2]
VOLATILE: Mapping[str, Json] = {
    "service.instance.id": {"stringValue": "instance-1"},
    "server.port": {"intValue": "8000"},
    "host.name": {"stringValue": "host-1"},
    "host.id": {"stringValue": "host-1"},
    "host.arch": {"stringValue": "amd64"},
    "process.pid": {"intValue": "1"},
    "process.command": {"stringValue": "app"},
    "process.command_args": {"arrayValue": {"values": [{"stringValue": "app"}]}},
    "process.executable.path": {"stringValue": "app"},
    "process.owner": {"stringValue": "app"},
    "duration": {"doubleValue": 0.02},
    "gen_ai.client.operation.time_to_first_chunk": {"doubleValue": 0.02},
    "gen_ai.response.time_to_first_chunk": {"doubleValue": 0.02},
    "gen_ai.server.time_per_output_token": {"doubleValue": 0.001},
    "gen_ai.server.time_to_first_token": {"doubleValue": 0.02},
    "gen_ai.client.operation.duration": {"doubleValue": 0.2},
    "diffusion.text_encode_duration": {"doubleValue": 0.01},
    "diffusion.denoise_duration": {"doubleValue": 0.2},
    "diffusion.decode_duration": {"doubleValue": 0.02},
    "diffusion.phase_duration": {"doubleValue": 0.01},
    "diffusion.step_duration.first": {"doubleValue": 0.07},
    "diffusion.step_duration.p50": {"doubleValue": 0.05},
    "diffusion.step_duration.max": {"doubleValue": 0.07},
    "ai.response.msToFirstChunk": {"doubleValue": 20.0},
    "ai.response.msToFinish": {"doubleValue": 200.0},
    "ai.response.avgOutputTokensPerSecond": {"doubleValue": 100.0},
    "ai.response.avgCompletionTokensPerSecond": {"doubleValue": 100.0},
    "exception.stacktrace": {"stringValue": "Traceback (most recent call last): ..."},
}
"""Attributes whose value says more about the machine than about the call."""

UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
TEXTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(127\.0\.0\.1|localhost):\d+"), r"\1:8000"),
    (re.compile(r"\b0x[0-9a-f]{8,}\b"), "0x0"),
    (re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?"), r"2026-09-21T13:33:20\2"),
    (re.compile(r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT"), "Mon, 21 Sep 2026 13:33:20 GMT"),
    (re.compile(r"\btook \d+\.\d+s"), "took 0.02s"),
    (re.compile(r"(/[\w.+-]+)*/site-packages/"), "site-packages/"),
    (re.compile(re.escape(str(ROOT)) + "/"), ""),
)
"""The same inside texts, JSON included."""


def steady(request: Json) -> Json:
    """The same request with ids, times and ports counted up from the first, spans of one scope in order of start."""
    spans = sorted(spans_of(request), key=lambda span: int(span["startTimeUnixNano"]))
    ids: dict[str, str] = {}
    uuids: dict[str, str] = {}

    def counted(text: str) -> str:
        return ids.setdefault(text, f"{len(ids) + 1:0{len(text)}x}")

    def counted_uuid(match: re.Match[str]) -> str:
        return uuids.setdefault(match[0], f"{len(uuids) + 1:08x}-0000-4000-8000-000000000000")

    def cleaned(text: str) -> str:
        for known, new in ids.items():
            text = text.replace(known, new)
        for pattern, replacement in TEXTS:
            text = pattern.sub(replacement, text)
        return UUID.sub(counted_uuid, text)

    for span in spans:
        counted(span["traceId"])
        counted(span["spanId"])
    settle(request, spans)
    changed: Json = texts_changed(with_ids(request, counted), cleaned)
    return changed


def settle(request: Json, spans: list[Json]) -> None:
    """Put times and volatile attributes right, in place."""
    times = {time: str(EPOCH_NS + rank * STEP_NS) for rank, time in enumerate(sorted(set(times_of(spans)), key=int))}
    timed = [item for span in spans for item in (span, *span.get("events", ()))]
    for item in timed:
        item.update({field: times[value] for field, value in item.items() if field.endswith("imeUnixNano")})
    for item in (*timed, *(sent["resource"] for sent in request["resourceSpans"])):
        for attribute in item.get("attributes", ()):
            new = VOLATILE.get(attribute["key"], attribute["value"])
            attribute["value"] = new if new.keys() == attribute["value"].keys() else attribute["value"]


def times_of(spans: list[Json]) -> Iterator[str]:
    """Every time written on spans and their events."""
    for span in spans:
        yield from (span["startTimeUnixNano"], span["endTimeUnixNano"])
        yield from (event["timeUnixNano"] for event in span.get("events", ()))


def texts_changed(value: Any, change: Callable[[str], str]) -> Any:
    """A copy with every text changed; keys stay."""
    if isinstance(value, dict):
        return {key: texts_changed(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [texts_changed(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


ATTRIBUTE = re.compile(r'\{\s+("key": "[^"]*"),\s+"value": \{\s+([^{}]*?)\s+\}\s+\}')


def pretty(captured: Json) -> str:
    """Indented JSON with an attribute on one line, which is how people read them."""
    indented = json.dumps(captured, indent=1, sort_keys=True, ensure_ascii=False)
    return ATTRIBUTE.sub(r'{\1, "value": {\2}}', indented) + "\n"

"""Capture real spans of named package versions: `python -m tests.golden.capture [SOURCE...]`.

Makes a virtual environment per source, runs the cases in it under `opentelemetry-instrument` against the stand-in of
the OpenAI API, and writes `tests/golden/SOURCE/CASE/in.json`: the versions, what the API answered, and the OTLP
request. Ids, times and ports are replaced by counters, so that a second capture of the same versions is the same.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from spanwand_sidecar.demo import comic
from spanwand_sidecar.demo.openai_api import API_KEY, OpenAIStandIn
from tests.golden.cases import CASES
from tests.support.otlp_capture import capturing
from tests.support.otlp_json import Json, spans_of, to_json, with_ids

GOLDEN = Path(__file__).parent
EPOCH_NS = 1_790_000_000_000_000_000
STEP_NS = 10_000_000
VOLATILE = {
    "service.instance.id": {"stringValue": "instance-1"},
    "server.port": {"intValue": "8000"},
    "gen_ai.response.time_to_first_chunk": {"doubleValue": 0.02},
    "exception.stacktrace": {"stringValue": "Traceback (most recent call last): ..."},
}
NO_DETAILS = ("cached_input_tokens", "reasoning_output_tokens")
COMMON = ("opentelemetry-sdk==1.45.1", "opentelemetry-distro==0.66b1", "opentelemetry-exporter-otlp==1.45.1")
OPENAI_V2 = (
    "opentelemetry-instrumentation-openai-v2==2.4b0", "opentelemetry-util-genai==0.4b0", "openai==2.54.0", *COMMON,
)  # fmt: skip
GENAI_OPENAI = (
    "opentelemetry-instrumentation-genai-openai==1.3b0", "opentelemetry-util-genai==1.3b0", "openai==3.52.0", *COMMON,
    "opentelemetry-processor-baggage==0.66b1",
)  # fmt: skip


def programs(*cases: str) -> dict[str, tuple[str, ...]]:
    """A program for each case: the script and its arguments."""
    return {case: (str(GOLDEN / "cases.py"), case) for case in cases}


class Source(msgspec.Struct, frozen=True):
    """Package versions, the programs to run, their switches, and which counts they are known not to report."""

    requirements: tuple[str, ...]
    programs: dict[str, tuple[str, ...]]
    environment: dict[str, str] = {}
    silent: tuple[str, ...] = ()


SOURCES = {
    "openai-v2": Source(OPENAI_V2, programs(*CASES), silent=NO_DETAILS),
    "openai-v2-latest": Source(
        OPENAI_V2,
        programs(*CASES),
        {"OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental"},
        NO_DETAILS,
    ),
    "genai-openai": Source(GENAI_OPENAI, programs(*CASES)),
    "genai-openai-content": Source(
        GENAI_OPENAI,
        programs("chat", "tools"),
        {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only"},
    ),
    "comic": Source(GENAI_OPENAI, {"one-picture-refused": (comic.__file__, "--first", "3", "--comics", "1")}),
}


def capture(python: Path, source: Source, program: tuple[str, ...]) -> Json:
    """Run one program and return what it sent, beside what it was answered."""
    stand_in = OpenAIStandIn(pace=0)
    with stand_in.serving() as url, capturing() as collector:
        environment = {
            "PATH": os.environ["PATH"],
            "OPENAI_BASE_URL": url,
            "OPENAI_API_KEY": API_KEY,
            "OTEL_SERVICE_NAME": "golden",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            **source.environment,
        }
        command = [str(python.with_name("opentelemetry-instrument")), str(python), *program]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    requests = [to_json(body) for body in collector.bodies]
    return {
        "source": dict(requirement.split("==") for requirement in source.requirements) | source.environment,
        "silent": list(source.silent),
        "answered": msgspec.to_builtins(stand_in.ledger.answers()),
        "request": steady({"resourceSpans": [item for request in requests for item in request["resourceSpans"]]}),
    }


def steady(request: Json) -> Json:
    """The same request with ids, times and ports counted up from the first."""
    spans = sorted(spans_of(request), key=lambda span: int(span["startTimeUnixNano"]))
    ids: dict[str, str] = {}
    for span in spans:
        for text in (span["traceId"], span["spanId"]):
            ids.setdefault(text, f"{len(ids) + 1:0{len(text)}x}")
    times = {time: str(EPOCH_NS + rank * STEP_NS) for rank, time in enumerate(sorted(set(times_of(spans)), key=int))}
    timed = [item for span in spans for item in (span, *span.get("events", ()))]
    for item in timed:
        item.update({field: times[value] for field, value in item.items() if field.endswith("imeUnixNano")})
    for item in (*timed, *(sent["resource"] for sent in request["resourceSpans"])):
        for attribute in item.get("attributes", ()):
            attribute["value"] = VOLATILE.get(attribute["key"], attribute["value"])
    return with_ids(request, ids.__getitem__)


def times_of(spans: list[Json]) -> Iterator[str]:
    """Every time written on spans and their events."""
    for span in spans:
        yield from (span["startTimeUnixNano"], span["endTimeUnixNano"])
        yield from (event["timeUnixNano"] for event in span.get("events", ()))


ATTRIBUTE = re.compile(r'\{\s+("key": "[^"]*"),\s+"value": \{\s+([^{}]*?)\s+\}\s+\}')


def pretty(captured: Json) -> str:
    """Indented JSON with an attribute on one line, which is how people read them."""
    indented = json.dumps(captured, indent=1, sort_keys=True, ensure_ascii=False)
    return ATTRIBUTE.sub(r'{\1, "value": {\2}}', indented) + "\n"


def install(folder: Path, requirements: tuple[str, ...]) -> Path:
    """A virtual environment with exactly these versions; returns its Python."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/pip", "install", "--quiet", "--pre", *requirements], check=True)
    return folder / "bin" / "python"


def main(names: list[str]) -> None:
    """Capture the named sources, or all."""
    with tempfile.TemporaryDirectory() as temporary:
        pythons: dict[tuple[str, ...], Path] = {}
        for name in names or SOURCES:
            source = SOURCES[name]
            if source.requirements not in pythons:
                pythons[source.requirements] = install(Path(temporary) / name, source.requirements)
            for case, program in source.programs.items():
                captured = capture(pythons[source.requirements], source, program)
                if not list(spans_of(captured["request"])):
                    print(f"{name}/{case}: no span, although the API answered")
                    continue
                path = GOLDEN / name / case / "in.json"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(pretty(captured))


if __name__ == "__main__":
    main(sys.argv[1:])

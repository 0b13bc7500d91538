"""The stock Python SDK over gRPC, HTTP and a Unix socket: what was sent is what comes out, exactly (P1, P7, A1, A4)."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.types import AttributeValue
from tests.support.daemon import RunningDaemon, daemon, rows, sums, updates

SERVICES = ("writer", "painter", "letterer")
ARMS = ("control", "treatment")
TRACES = 2_500
SPANS_PER_TRACE = 4
RATIO = 0.2
CHAT: dict[str, AttributeValue] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
}
IMAGE: dict[str, AttributeValue] = {"gen_ai.operation.name": "image_generation", "gen_ai.request.model": "sdxl"}
START_NS = 1_780_000_000 * 10**9


class SeededIds(IdGenerator):
    """Ids of the SDK's kind, the same in every run of the test."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def generate_span_id(self) -> int:
        return self._random.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        return self._random.getrandbits(128) or 1


def exporter(transport: str, sidecar: RunningDaemon) -> SpanExporter:
    tcp, unix = sidecar.endpoints.grpc
    if transport == "http":
        return HttpExporter(endpoint=f"http://{sidecar.endpoints.http}/v1/traces")
    return GrpcExporter(endpoint=unix if transport == "unix" else f"http://{tcp}", insecure=True)


class App:
    """Sends traces of a root, two chats and one image each, and keeps its own books per run."""

    def __init__(self, sidecar: RunningDaemon) -> None:
        self.sent: dict[str, Counter[str]] = {}
        self.tokens: dict[str, int] = {}
        self.providers = {
            service: self._provider(service, exporter(transport, sidecar), seed)
            for seed, (service, transport) in enumerate(zip(SERVICES, ("grpc", "http", "unix"), strict=True))
        }

    def _provider(self, service: str, to: SpanExporter, seed: int) -> TracerProvider:
        resource = Resource({"service.name": service, "deployment.environment.name": "test"})
        provider = TracerProvider(resource=resource, id_generator=SeededIds(seed), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(to, max_queue_size=TRACES * SPANS_PER_TRACE))
        return provider

    def send(self, traces: int) -> None:
        chance = random.Random(7)
        tracers = [provider.get_tracer("app") for provider in self.providers.values()]
        for number in range(traces):
            service = number % len(SERVICES)
            self._trace(tracers[service], SERVICES[service], ARMS[number // len(SERVICES) % len(ARMS)], chance)
        for provider in self.providers.values():
            assert provider.force_flush(60_000)
            provider.shutdown()

    def _trace(self, tracer: Tracer, service: str, arm: str, chance: random.Random) -> None:
        experiment: dict[str, AttributeValue] = {"spanwand.experiment": "prompt-7", "spanwand.arm": arm}
        books = self.sent.setdefault(f"{service}/{arm}", Counter())
        root = tracer.start_span("make comic", start_time=START_NS, attributes=experiment)
        context = set_span_in_context(root)
        trace_tokens = 0
        for _ in range(2):
            usage = {"input_tokens": chance.randrange(2_000), "output_tokens": chance.randrange(500)}
            counts: dict[str, AttributeValue] = {f"gen_ai.usage.{name}": count for name, count in usage.items()}
            span = tracer.start_span("chat", context, start_time=START_NS, attributes=CHAT | counts | experiment)
            if chance.random() < 0.02:
                span.set_status(Status(StatusCode.ERROR, "rate limited"))
                books["llm/errors"] += 1
            span.end(START_NS + chance.randrange(10**9))
            books.update({"llm/requests": 1, **{f"llm/{name}": count for name, count in usage.items()}})
            trace_tokens += usage["input_tokens"]
        images = chance.randrange(1, 5)
        attributes = IMAGE | experiment | {"diffusion.image_count": images}
        tracer.start_span("image", context, start_time=START_NS, attributes=attributes).end(START_NS + 10**9)
        root.end(START_NS + 2 * 10**9)
        books.update({"diffusion/requests": 1, "diffusion/images": images, "request/count": 1})
        self.tokens[f"{root.get_span_context().trace_id:032x}"] = trace_tokens


Sent = tuple[App, list[dict[str, Any]], int]
"""The app with its books, what the sink wrote, spans acknowledged."""


@pytest.fixture(scope="module")
def sent_and_received(
    tmp_path_factory: pytest.TempPathFactory,
) -> Sent:
    data = tmp_path_factory.mktemp("data")
    grpc = f"127.0.0.1:0,unix:{data}/otlp.sock"
    with daemon(
        data,
        LISTEN__GRPC=grpc,
        SAMPLE__RATIO=str(RATIO),
        SAMPLE__RARE="0",
        AGGREGATE__WINDOW_S="1",
        GATHER__SETTLE_S="0.5",
    ) as sidecar:
        app = App(sidecar)
        app.send(TRACES)
        acknowledged = sidecar.status().received.spans
        log = sidecar.stop()
        assert sidecar.process.returncode == 0, log
    return app, updates(data), acknowledged


def test_history_sums_equal_what_was_sent(sent_and_received: Sent) -> None:
    """10,000 spans, three services, two arms: no span lost, none counted twice."""
    app, lines, acknowledged = sent_and_received
    found = sums(lines)
    assert set(app.sent) == {f"{service}/{arm}" for service in SERVICES for arm in ARMS}
    for name, expected in app.sent.items():
        assert {key: found[name][key] for key in expected} == dict(expected)
    assert found["spanwand"]["spanwand/spans_received"] == TRACES * SPANS_PER_TRACE == acknowledged


def test_each_arm_is_a_run_in_the_experiments_group(sent_and_received: Sent) -> None:
    """A4."""
    _, lines, _ = sent_and_received
    runs = {line["run"]["name"]: line for line in lines}
    for service in SERVICES:
        for arm in ARMS:
            line = runs[f"{service}/{arm}"]
            assert (line["run"]["group"], line["run"]["job_type"]) == ("prompt-7", arm)
            assert line["config"]["service"] == service
            assert "test" in line["tags"]


def test_rows_are_sampled_by_trace_and_errors_are_all_kept(sent_and_received: Sent) -> None:
    app, lines, _ = sent_and_received
    generations = rows(lines, "generations")
    assert len({row["span_id"] for row in generations}) == len(generations)
    errors = [row for row in generations if row["status"] == "error"]
    assert len(errors) == sum(books["llm/errors"] for books in app.sent.values())
    assert all(row["sample_weight"] == 1.0 for row in errors)
    failed = {row["trace_id"] for row in errors}
    sampled = [row for row in generations if row["trace_id"] not in failed]
    assert all(row["sample_weight"] == pytest.approx(1 / RATIO) for row in sampled)
    assert {row["sample_weight"] for row in generations if row["trace_id"] in failed} == {1.0}
    assert all(row["trace_id"] in app.tokens for row in generations)


def test_weights_estimate_the_totals_within_their_stated_error(sent_and_received: Sent) -> None:
    """R28: a Horvitz-Thompson estimate; a trace is kept or not as a whole, so its total is one draw."""
    app, lines, _ = sent_and_received
    estimate = sum(row["sample_weight"] * (row["input_tokens"] or 0) for row in rows(lines, "generations"))
    truth = sum(app.tokens.values())
    error = ((1 - RATIO) / RATIO * sum(tokens**2 for tokens in app.tokens.values())) ** 0.5
    assert abs(estimate - truth) <= 4 * error
    requests = rows(lines, "requests")
    count = sum(row["sample_weight"] for row in requests)
    assert abs(count - TRACES) <= 4 * ((1 - RATIO) / RATIO * TRACES) ** 0.5
    assert len(requests) < TRACES / 2


def test_what_one_trace_says(tmp_path: Path) -> None:
    """A row holds what its span held."""
    with daemon(tmp_path, LISTEN__GRPC=f"127.0.0.1:0,unix:{tmp_path}/otlp.sock") as sidecar:
        app = App(sidecar)
        app.send(1)
        sidecar.stop()
    lines = updates(tmp_path)
    chats = [row for row in rows(lines, "generations") if row["operation"] == "chat"]
    books = app.sent["writer/control"]
    assert sum(row["input_tokens"] for row in chats) == books["llm/input_tokens"]
    assert {row["model"] for row in chats} == {"gpt-4o-mini"}
    assert {row["start_time"] for row in chats} == {"2026-05-28T20:26:40.000+00:00"}
    assert {row["experiment"] for row in chats} == {"prompt-7"}
    [request] = rows(lines, "requests")
    assert (request["name"], request["generations"], request["latency_s"]) == ("make comic", 3, 2.0)
    assert request["images"] == books["diffusion/images"]

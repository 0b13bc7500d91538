"""Unique secrets in every place where OTLP has room for a string (P6, K5, A5, R34).

Each place holds a free word, an e-mail address and a provider's key of its own. Places are of two kinds: labels, which
name things in W&B and so leave, without what a pattern finds in them; and all others, of which nothing leaves.
"""

from collections.abc import Iterable, Iterator

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

TRACE_ID = bytes(15) + b"\1"

LABEL_RESOURCE = (
    *("service.name", "service.version", "service.instance.id", "deployment.environment.name"),
    *("spanwand.experiment", "spanwand.arm"),
)
LABELS = (
    *("gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model", "gen_ai.response.finish_reasons"),
    *("gen_ai.conversation.id", "gen_ai.prompt.name", "gen_ai.prompt.version", "error.type", "diffusion.scheduler"),
)
CONTENT = (
    *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.prompt"),
    *("gen_ai.completion", "diffusion.prompt", "diffusion.negative_prompt"),
)
EVALUATION = ("name", "score.label", "explanation")
DROPPED_RESOURCE = (
    "host.name",
    "process.command_line",
    "process.owner",
    "wandb.entity",
    "wandb.project",
    "k8s.pod.name",
)
DROPPED = (
    *("user.email", "user.name", "user.full_name", "enduser.id", "user.id", "gen_ai.user", "gen_ai.request.user"),
    *("gen_ai.tool.name", "gen_ai.agent.name", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"),
    *("gen_ai.response.id", "http.request.header.cookie", "url.full", "db.query.text", "server.address"),
    *("diffusion.pipeline", "diffusion.quality", "diffusion.loras", "gen_ai.request.type", "feature_flag.key"),
)
NAMES = (*LABEL_RESOURCE, *LABELS, "root name")


class Canaries:
    """Secrets by the place they were put into."""

    def __init__(self) -> None:
        self.words: dict[str, str] = {}
        self.patterned: dict[str, tuple[str, str]] = {}

    def text(self, place: str) -> str:
        """A word, an address and a key that are found nowhere else."""
        number = len(self.words)
        word = self.words[place] = f"quokka{number:03}zebra"
        address, key = self.patterned[place] = (
            f"wombat{number:03}@canary.example.com",
            f"sk-proj-{number:04}aB3dE5fG7hI9jK1lM3n",
        )
        return f"{word} {address} {key}"

    def all(self) -> Iterator[tuple[str, str]]:
        """Every secret with its place."""
        yield from ((place, word) for place, word in self.words.items())
        yield from self.only_patterned()

    def only_patterned(self) -> Iterator[tuple[str, str]]:
        """Those that a pattern finds."""
        yield from ((place, secret) for place, secrets in self.patterned.items() for secret in secrets)


def pair(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def request(canaries: Canaries) -> bytes:
    """A trace: a root, a failed image call and something unknown, with a secret wherever a string fits."""
    text = canaries.text
    message = ExportTraceServiceRequest()
    sent = message.resource_spans.add(schema_url=text("schema url"))
    sent.resource.attributes.extend(pair(key, text(key)) for key in (*LABEL_RESOURCE, *DROPPED_RESOURCE))
    sent.resource.attributes.append(pair(text("resource key"), "x"))
    scope_spans = sent.scope_spans.add(schema_url=text("scope schema url"))
    scope_spans.scope.name, scope_spans.scope.version = text("scope name"), text("scope version")
    scope_spans.scope.attributes.append(pair(text("scope key"), text("scope value")))
    scope_spans.spans.append(span(text("root name"), TRACE_ID, 1))
    call = span(text("inner name"), TRACE_ID, 2, parent=1)
    call.trace_state = f"vendor={text('trace state')}"
    call.attributes.extend(pair(key, text(key)) for key in (*LABELS, *CONTENT, *DROPPED))
    call.attributes.append(pair("gen_ai.operation.name", "image_generation"))
    call.attributes.append(KeyValue(key="bytes", value=AnyValue(bytes_value=text("bytes").encode())))
    call.attributes.append(pair(text("attribute key"), "x"))
    listed = call.attributes.add(key="list").value
    listed.array_value.values.add(string_value=text("list"))
    listed.array_value.values.add().kvlist_value.values.append(pair(text("map key"), text("map value")))
    call.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=text("status message")))
    exception = call.events.add(name="exception")
    exception.attributes.extend(pair(f"exception.{part}", text(part)) for part in ("type", "message", "stacktrace"))
    event = call.events.add(name=text("event name"))
    event.attributes.append(pair("gen_ai.event.content", text("event value")))
    event.attributes.append(pair(text("event key"), "x"))
    link = call.links.add(trace_id=b"\2" * 16, span_id=b"\2" * 8, trace_state=text("link trace state"))
    link.attributes.append(pair(text("link key"), text("link value")))
    other = span("other", TRACE_ID, 3, parent=1)
    other.attributes.append(pair("gen_ai.operation.name", text("operation")))
    scope_spans.spans.extend([call, other])
    return message.SerializeToString()


def span(name: str, trace_id: bytes, number: int, parent: int = 0) -> Span:
    return Span(
        name=name,
        trace_id=trace_id,
        span_id=number.to_bytes(8),
        parent_span_id=parent.to_bytes(8) if parent else b"",
        start_time_unix_nano=1_790_000_000_000_000_000,
        end_time_unix_nano=1_790_000_001_000_000_000,
    )


def late_request(canaries: Canaries) -> bytes:
    """A call that says nothing itself; where the request of that trace has been made, it amends that."""
    message = ExportTraceServiceRequest()
    late = span(canaries.text("late name"), TRACE_ID, 4, parent=1)
    late.attributes.extend(pair(key, canaries.text(f"late {key}")) for key in ("user.email", "url.full"))
    late.attributes.append(pair("gen_ai.operation.name", "chat"))
    message.resource_spans.add().scope_spans.add().spans.append(late)
    return message.SerializeToString()


def log_events(canaries: Canaries) -> bytes:
    """Events of calls of that trace: messages of the one that says nothing itself, a verdict, an exception, a flag."""
    text = canaries.text
    message = ExportLogsServiceRequest()
    records = message.resource_logs.add().scope_logs.add().log_records
    for name in ("gen_ai.user.message", "gen_ai.choice", "gen_ai.client.inference.operation.details"):
        event = records.add(event_name=name, trace_id=TRACE_ID, span_id=(4).to_bytes(8))
        event.body.kvlist_value.values.append(pair("content", text(f"{name} body")))
        event.attributes.extend(pair(key, text(f"{name} {key}")) for key in (*CONTENT, *DROPPED))
    judged = records.add(event_name="gen_ai.evaluation.result", trace_id=TRACE_ID, span_id=(2).to_bytes(8))
    judged.attributes.extend(pair(f"gen_ai.evaluation.{part}", text(part)) for part in EVALUATION)
    raised = records.add(event_name="exception", trace_id=TRACE_ID, span_id=(2).to_bytes(8))
    raised.attributes.extend(pair(f"exception.{part}", text(f"event {part}")) for part in ("type", "message"))
    chosen = records.add(event_name="feature_flag.evaluation", trace_id=TRACE_ID, span_id=(1).to_bytes(8))
    chosen.attributes.extend(pair(f"feature_flag.{part}", text(part)) for part in ("key", "result.variant"))
    return message.SerializeToString()


def metrics_request(canaries: Canaries) -> bytes:
    """Points of metrics that are read, with a secret wherever a string fits; also where senders name devices."""
    text = canaries.text
    message = ExportMetricsServiceRequest()
    sent = message.resource_metrics.add(schema_url=text("metrics schema url"))
    sent.resource.attributes.extend(pair(key, text(f"metrics {key}")) for key in (*LABEL_RESOURCE, *DROPPED_RESOURCE))
    scope = sent.scope_metrics.add(schema_url=text("metrics scope schema url"))
    scope.scope.name, scope.scope.version = text("metrics scope name"), text("metrics scope version")
    devices = ("gpu", "hw.id", "gpu.index", "UUID", "GPU_I_ID", "hw.name", "modelName", "Hostname", "pod")
    for name in ("DCGM_FI_DEV_GPU_UTIL", "hw.gpu.utilization", "vllm:num_requests_running", text("metric name")):
        for at, device in enumerate(devices):
            metric = scope.metrics.add(name=name, unit=text(f"unit {name} {at}"), description=text(f"of {name} {at}"))
            point = metric.gauge.data_points.add(as_double=0.5, time_unix_nano=1_790_000_001_000_000_000)
            point.attributes.extend((pair(device, text(f"{name} {device}")), pair("hw.type", "gpu")))
            point.attributes.extend((pair("UUID", f"GPU-{at}"), pair(text(f"point key {name} {at}"), "x")))
            exemplar = point.exemplars.add(as_double=0.5)
            exemplar.filtered_attributes.append(pair(text(f"exemplar key {name} {at}"), text(f"exemplar {name} {at}")))
    return message.SerializeToString()


def leaks(secrets: Iterable[tuple[str, str]], haystacks: dict[str, bytes]) -> list[tuple[str, str, str]]:
    """Place, secret, and where it was found. File names count as well."""
    return [
        (place, secret, name)
        for place, secret in secrets
        for name, haystack in haystacks.items()
        if secret.encode() in haystack or secret in name
    ]


def free(canaries: Canaries, *kinds: Iterable[str]) -> list[tuple[str, str]]:
    """Secrets of all places that are not of these kinds."""
    allowed = {place for kind in kinds for place in kind}
    return [(place, word) for place, word in canaries.words.items() if place not in allowed]

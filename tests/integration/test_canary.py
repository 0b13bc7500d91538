"""Unique secrets in every place where OTLP has room for a string, then a search for them everywhere (P6, K5, A5, R34).

Each place holds a free word, an e-mail address and a provider's key of its own. Places are of two kinds: labels, which
name things in W&B and so leave, without what a pattern finds in them; and all others, of which nothing leaves.
"""

import http.client
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import grpc
import psutil
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.support.daemon import WINDOW, RunningDaemon, daemon, until

from spanwand.read import read

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

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
    scope_spans.spans.append(span(text("root name"), bytes(15) + b"\1", 1))
    call = span(text("inner name"), bytes(15) + b"\1", 2, parent=1)
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
    other = span("other", bytes(15) + b"\1", 3, parent=1)
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


def send_over_grpc(running: RunningDaemon, body: bytes, canaries: Canaries) -> None:
    """With a secret in the metadata; and one call of a method that nobody has, which is refused."""
    metadata = (("authorization", f"Bearer {canaries.text('metadata')}"), ("x-api-key", canaries.text("own metadata")))
    with grpc.insecure_channel(running.endpoints.grpc[0]) as channel:
        channel.unary_unary(EXPORT, bytes, bytes)(body, metadata=metadata, timeout=10)
        broken = body[:-3] + canaries.text("broken body").encode()
        for path, sent in (("/quokka.Service/x", body), (EXPORT, broken)):
            assert channel.unary_unary(path, bytes, bytes).future(sent, timeout=10).code() is not grpc.StatusCode.OK


def send_over_http(running: RunningDaemon, body: bytes, canaries: Canaries) -> list[int]:
    """With secrets in headers and addresses; most of it is refused. Returns the answers' codes."""
    protobuf, json = "application/x-protobuf", "application/json"
    headers = {"Authorization": "Basic " + canaries.text("header"), "Cookie": canaries.text("cookie")}
    headers["User-Agent"] = canaries.text("user agent")
    broken_json = '{"resourceSpans": [' + canaries.text("broken json").replace(" ", "-")
    requests: Sequence[tuple[str, str, bytes]] = (
        ("/v1/traces", protobuf, body),
        ("/v1/traces", protobuf, canaries.text("no protobuf").encode()),
        ("/v1/traces", json, broken_json.encode()),
        ("/v1/traces", canaries.text("content type"), body),
        ("/v1/" + canaries.text("path").replace(" ", "-"), protobuf, body),
    )
    codes = []
    for path, content_type, sent in requests:
        connection = http.client.HTTPConnection(running.endpoints.http, timeout=10)
        connection.request("POST", path, sent, {**headers, "Content-Type": content_type})
        codes.append(connection.getresponse().status)
        connection.close()
    return codes


def pages(running: RunningDaemon) -> str:
    return "".join(running.get(page)[2] for page in ("/livez", "/readyz", "/metrics", "/status"))


def processes(running: RunningDaemon) -> bytes:
    """Environment and command line of the daemon and its children."""
    family = [
        running.process.pid,
        *(child.pid for child in psutil.Process(running.process.pid).children(recursive=True)),
    ]
    return b"".join(Path(f"/proc/{pid}/{part}").read_bytes() for pid in family for part in ("environ", "cmdline"))


def stored(directory: Path) -> dict[str, bytes]:
    """Every file at or below a directory, and what the reader makes of the W&B and `jsonl` ones."""
    found = {str(file.relative_to(directory)): file.read_bytes() for file in directory.rglob("*") if file.is_file()}
    return found | {"as read": repr(read(directory / "data")).encode()}


def leaks(secrets: Iterable[tuple[str, str]], haystacks: dict[str, bytes]) -> list[tuple[str, str, str]]:
    """Place, secret, and where it was found. File names count as well."""
    return [
        (place, secret, name)
        for place, secret in secrets
        for name, haystack in haystacks.items()
        if secret.encode() in haystack or secret in name
    ]


def pass_through(directory: Path, canaries: Canaries, **settings: str) -> dict[str, bytes]:
    """Send all secrets twice, with a kill -9 in between; drain; return everything that can be seen afterwards."""
    settings = WINDOW | {"SINKS": "wandb,jsonl", "WANDB__MODE": "offline", "LOG__LEVEL": "debug"} | settings
    body = request(canaries)
    with daemon(directory / "data", **settings) as first:
        send_over_grpc(first, body, canaries)
        until(lambda: first.status().sinks["wandb"].outcomes.get("delivered"))
        send_over_grpc(first, body, Canaries())
        seen = {"pages": pages(first).encode(), "processes": processes(first)}
        first.process.kill()
        seen["log"] = first.process.communicate(timeout=10)[1].encode()
    with daemon(directory / "data", **settings) as second:
        assert send_over_http(second, body, canaries) == [200, 400, 400, 415, 404]
        until(lambda: second.status().journal.backlog_bytes == 0)
        seen |= {"pages again": pages(second).encode(), "processes again": processes(second)}
        seen["log again"] = second.stop().encode()
    return stored(directory) | seen


@pytest.fixture(scope="module")
def dropped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Canaries, dict[str, bytes]]:
    canaries = Canaries()
    return canaries, pass_through(tmp_path_factory.mktemp("dropped"), canaries)


@pytest.fixture(scope="module")
def redacted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Canaries, dict[str, bytes]]:
    canaries = Canaries()
    return canaries, pass_through(tmp_path_factory.mktemp("redacted"), canaries, REDACT__POLICY="redacted")


def free(canaries: Canaries, *kinds: Iterable[str]) -> list[tuple[str, str]]:
    """Secrets of all places that are not of these kinds."""
    allowed = {place for kind in kinds for place in kind}
    return [(place, word) for place, word in canaries.words.items() if place not in allowed]


NAMES = (*LABEL_RESOURCE, *LABELS, "root name")


def test_by_default_nothing_leaves_but_words_of_labels(dropped: tuple[Canaries, dict[str, bytes]]) -> None:
    canaries, seen = dropped
    assert leaks(canaries.only_patterned(), seen) == []
    assert leaks(free(canaries, NAMES), seen) == []


def test_the_search_finds_what_is_there(dropped: tuple[Canaries, dict[str, bytes]]) -> None:
    canaries, seen = dropped
    found = {(place, name) for place, _, name in leaks(canaries.all(), seen)}
    for place in ("service.name", "root name", "gen_ai.conversation.id"):
        assert {(place, "as read"), (place, "data/jsonl/batches.jsonl")} <= found


def test_redacted_content_has_words_but_no_pattern(redacted: tuple[Canaries, dict[str, bytes]]) -> None:
    canaries, seen = redacted
    assert leaks(canaries.only_patterned(), seen) == []
    assert leaks(free(canaries, NAMES, CONTENT), seen) == []
    assert {place for place, _, _ in leaks(canaries.all(), seen)} >= {"diffusion.prompt", "gen_ai.completion"}

"""Odd and hostile spans through the daemon: the sums in W&B and JSONL are those that were sent (P3, P7, P8, K5)."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.daemon import WINDOW, daemon, until

from spanwand.stored.read import read
from spanwand.stored.run import StoredRun
from spanwand.token_counts import MOST_TOKENS

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
CACHED, OLD_INPUT = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.prompt_tokens"
START_NS = 1_790_000_000 * 10**9
LAST_NS = 2**64 - 1
ODD = "".join(map(chr, range(32))) + '\x7f\x85\u2028\u202e\ufeff\U0001f600 é "quoted" \\back/slash, =;{}[]<>&\x00'
TEXTS = (
    *("gen_ai.request.model", "gen_ai.response.model", "gen_ai.provider.name", "gen_ai.conversation.id", "user.id"),
    *("gen_ai.prompt.name", "gen_ai.prompt.version", "gen_ai.response.finish_reasons", "error.type", "comic.id"),
    *("gen_ai.input.messages", "gen_ai.output.messages", "spanwand.experiment", "spanwand.arm"),
)

Value = str | int | float | bool
Attributes = Mapping[str, Value]
APP: Attributes = {"service.name": "app", "service.instance.id": "app-1"}
_numbers = itertools.count(1)


def any_value(value: Value) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)


def pairs(attributes: Attributes) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def span(attributes: Attributes, start_ns: int = START_NS, end_ns: int = START_NS + 10**9, **more: Any) -> Span:
    """A call of a chat model in a trace of its own, unless `more` fields say otherwise."""
    number = next(_numbers)
    ids: dict[str, Any] = {"trace_id": number.to_bytes(16), "span_id": number.to_bytes(8)}
    sent = Span(**ids | more, start_time_unix_nano=start_ns, end_time_unix_nano=end_ns)
    sent.attributes.extend(
        pairs({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini", **attributes})
    )
    return sent


def request(spans: Iterable[Span], resource: Attributes = APP) -> bytes:
    message = ExportTraceServiceRequest()
    sent = message.resource_spans.add()
    sent.resource.attributes.extend(pairs(resource))
    sent.scope_spans.add().spans.extend(spans)
    return message.SerializeToString()


def pass_through(directory: Path, *bodies: bytes, **settings: str) -> tuple[list[StoredRun], list[StoredRun]]:
    """Send requests through a daemon; returns what it wrote to W&B and to JSONL."""
    with daemon(directory, **WINDOW, SINKS="wandb,jsonl", WANDB__MODE="offline", **settings) as running:
        with grpc.insecure_channel(running.endpoints.grpc[0]) as channel:
            for body in bodies:
                channel.unary_unary(EXPORT, bytes, bytes)(body, timeout=20)
        until(lambda: not running.status().line.waiting)
        until(lambda: not sum(sink.undelivered for sink in running.status().sinks.values()), 60)
        assert running.status().line.failed_frames == 0
        running.stop()
        assert running.process.returncode == 0
    return read(directory / "wandb").runs, read(directory / "jsonl").runs


def total(runs: Iterable[StoredRun], key: str) -> int:
    return sum(int(step.get(key) or 0) for run in runs for step in run.history)


def by_model(runs: Iterable[StoredRun], name: str) -> int:
    steps = (step for run in runs for step in run.history)
    return sum(int(value) for step in steps for key, value in step.items() if "by_model" in key and key.endswith(name))


def cells(runs: Iterable[StoredRun], column: str, table: str = "generations") -> list[object]:
    tables = (run.tables[table] for run in runs if table in run.tables)
    return [row[each.columns.index(column)] for each in tables for row in each.rows]


SERVICES: tuple[tuple[Attributes, Attributes], ...] = (
    (
        {"service.name": "api", "k8s.pod.name": "pod-1", "spanwand.experiment": "e", "spanwand.arm": "a"},
        {"service.name": "worker", "k8s.pod.name": "pod-1", "spanwand.experiment": "e", "spanwand.arm": "a"},
    ),
    ({**APP, "service.version": "1"}, {**APP, "service.version": "2"}),
    ({"service.name": "x" * 200 + "1"}, {"service.name": "x" * 200 + "2"}),
    ({"service.name": "spanwand", "spanwand.experiment": "spanwand"}, APP),
    ({"service.name": "other", "spanwand.experiment": "other"}, APP),
)


@pytest.mark.parametrize("services", SERVICES)
def test_services_whose_runs_have_one_key_are_all_counted(
    tmp_path: Path, services: tuple[Attributes, Attributes]
) -> None:
    """P8, P2: a run is updated once by a batch, so what shares its key must share the update."""
    requests = [
        request([span({INPUT: tokens})], resource) for tokens, resource in zip((10, 100), services, strict=True)
    ]
    for runs in pass_through(tmp_path, b"".join(requests)):
        assert (total(runs, "llm/requests"), total(runs, "llm/input_tokens")) == (2, 110)
        assert sorted(map(str, cells(runs, "input_tokens"))) == ["10", "100"]
        assert total(runs, "request/count") == 2
        assert total(runs, "spanwand/spans_received") == 2


USAGES: tuple[tuple[Attributes, Counter[str]], ...] = (
    ({INPUT: 10, OLD_INPUT: 10, OUTPUT: 2, "gen_ai.usage.completion_tokens": 2}, Counter(input=10, output=2)),
    ({INPUT: 10, CACHED: 100}, Counter(input=110, cached_input=100)),
    ({INPUT: 100, CACHED: 10}, Counter(input=100, cached_input=10)),
    ({CACHED: 7}, Counter(cached_input=7)),
    ({INPUT: -5, OLD_INPUT: 3}, Counter(input=3)),
    ({INPUT: MOST_TOKENS}, Counter(input=MOST_TOKENS)),
    ({INPUT: MOST_TOKENS + 1, OUTPUT: -(2**63)}, Counter()),
    ({INPUT: float("nan"), OUTPUT: float("inf")}, Counter()),
    ({INPUT: "12", OUTPUT: "12.0"}, Counter(input=12, output=12)),
    ({INPUT: 12.0, OUTPUT: 12.5}, Counter(input=12)),
    ({INPUT: True, OUTPUT: ""}, Counter()),
)


def test_odd_usage_adds_up(tmp_path: Path) -> None:
    """P3: dual keys, cached beyond input, negative, huge, no numbers, numbers as text; in rows and in sums."""
    expected = sum((tokens for _, tokens in USAGES), Counter[str]())
    for runs in pass_through(tmp_path, request(span(usage) for usage, _ in USAGES)):
        assert total(runs, "llm/requests") == len(USAGES)
        for name, tokens in expected.items():
            assert total(runs, f"llm/{name}_tokens") == by_model(runs, f"/{name}_tokens") == tokens
            known = [cell for cell in cells(runs, f"{name}_tokens") if isinstance(cell, int)]
            assert (sum(known), len(known)) == (tokens, sum(name in each for _, each in USAGES))


def test_odd_times_strings_and_sizes(tmp_path: Path) -> None:
    """K5, P7: no time, the last time, an end before the start; control characters and 256 KB in every text."""
    times = [(0, 0), (0, LAST_NS), (LAST_NS, 0), (LAST_NS, LAST_NS), (START_NS, START_NS - 1)]
    texts = [span({key: text for key in TEXTS} | {INPUT: 1}, name=text) for text in (ODD, "m" * (1 << 18))]
    many = span({f"key-{number}": number for number in range(5_000)} | {INPUT: 1})
    bodies = (
        request(span({INPUT: 1}, start_ns, end_ns) for start_ns, end_ns in times),
        *(request([each], {"service.name": each.name, "service.instance.id": each.name}) for each in texts),
        request([span({INPUT: 1}, name="~~~"), many]).replace(b"~~~", b"\xff\xc3\x28"),
    )
    settings = {"REDACT__POLICY": "redacted", "GATHER__REQUEST_ATTRIBUTES": "comic.id"}
    for runs in pass_through(tmp_path, *bodies, **settings):
        assert (total(runs, "llm/requests"), total(runs, "llm/input_tokens")) == (9, 9)
        assert (total(runs, "request/count"), len(cells(runs, "name", "requests"))) == (9, 9)
        assert ODD in cells(runs, "session_id")
        assert {len(str(cell)) for cell in cells(runs, "session_id") if cell} == {len(ODD), 1024}


def test_one_request_over_services_and_spans_that_come_again(tmp_path: Path) -> None:
    """P2, P7: one trace of three services in four requests, one of them sent three times."""
    trace: dict[str, Any] = {"trace_id": b"\7" * 16}
    root = span({"gen_ai.operation.name": "invoke_agent"}, end_ns=START_NS + 5 * 10**9, name="comic", **trace)
    calls = [span({INPUT: tokens}, parent_span_id=root.span_id, **trace) for tokens in (10, 100)]
    parts = [request([each], {"service.name": f"service-{number}"}) for number, each in enumerate((*calls, root))]
    for runs in pass_through(tmp_path, parts[0], parts[0], *parts, request(calls[:1], {"service.name": "service-0"})):
        assert (total(runs, "llm/requests"), total(runs, "llm/input_tokens"), total(runs, "request/count")) == (
            2,
            110,
            1,
        )
        assert total(runs, "spanwand/dropped/duplicate") == 3
        found = {column: cells(runs, column, "requests") for column in ("name", "input_tokens", "latency_s", "service")}
        assert found == {"name": ["comic"], "input_tokens": [110], "latency_s": [5.0], "service": ["service-2"]}


def test_names_without_end(tmp_path: Path) -> None:
    """K5: thousands of models and arms; the rest is exact in `other`."""
    models = request(span({"gen_ai.request.model": f"m/{number}", INPUT: 1}) for number in range(3_000))
    arms = request(span({"spanwand.arm": f"arm {number}", INPUT: 1}) for number in range(300))
    for runs in pass_through(tmp_path, models, arms, AGGREGATE__MAX_RUNS="20", SAMPLE__ROWS_PER_MINUTE="1000000"):
        assert total(runs, "llm/input_tokens") == by_model(runs, "/input_tokens") == 3_300
        assert len({run.name for run in runs}) == 20 + 2
        keys = {key for run in runs for step in run.history for key in step if key.endswith("/requests")}
        assert len([key for key in keys if "by_model/m_" in key]) == 50
        assert len(cells(runs, "model")) == 3_300

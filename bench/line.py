"""Spans per second of the line on one core, per stage and overall, beside the budgets of design §8.

    python bench/line.py [--profile WORKLOAD]

The input is what stock SDKs send: OTLP requests of 512 spans made with the opentelemetry-proto messages.
"""

import argparse
import cProfile
import json
import os
import platform
import pstats
import random
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from spanwand.aggregate import Aggregate
from spanwand.config import LineConfig, RedactConfig
from spanwand.decode import decode
from spanwand.drops import Drops
from spanwand.gather import Gather
from spanwand.normalise import Normalise
from spanwand.pipeline import Pipeline
from spanwand.price import Price
from spanwand.redact import Redact
from spanwand.sample import Sample

BODY_SPANS = 512
TRACE_SPANS = 8
SECOND_NS = 1_000_000_000
KEY = b"k" * 32
T = TypeVar("T")
NOW_NS = 1_780_000_000 * SECOND_NS
BODIES = 24
"""Requests per workload, 12,288 spans. They are fed over and over, each time with other trace ids."""
FIRST_ROUND = b"\xfe\xed\xfa\xceline"
"""First half of each trace id in the requests as built."""
BETWEEN_REQUESTS_NS = 35_000_000
"""Journal time that passes: 15,000 spans and 1,800 traces a second, windows close and rows are handed over."""

PROSE = """The fox looked at the moon, and wrote. A panel shows rain: four figures wait under one umbrella.
Nobody speaks. Draw 3 panels in the style of 1930s newspapers, heavy shadow, 2:3. What does she say? "I knew it!" """
SECRETS = ("write to ann.fox@example.com", "call +1 415 555 0132", "", "")
"""One of them in every other message."""

Attributes = dict[str, str | int | float | bool | list[str]]


def any_value(value: str | int | float | bool | list[str]) -> AnyValue:
    """An OTLP value."""
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))


def key_values(attributes: Attributes) -> list[KeyValue]:
    """OTLP attributes."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def llm_attributes(rng: random.Random) -> Attributes:
    """What the OpenAI instrumentation writes for a chat."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": rng.choice(["gpt-4o-mini-2024-07-18", "gpt-4o-2024-08-06"]),
        "gen_ai.request.temperature": 0.7,
        "gen_ai.request.max_tokens": 1_024,
        "gen_ai.response.id": f"chatcmpl-{rng.getrandbits(64):x}",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": rng.randrange(50, 4_000),
        "gen_ai.usage.output_tokens": rng.randrange(1, 900),
        "gen_ai.conversation.id": f"c{rng.randrange(1_000)}",
        "server.address": "api.openai.com",
        "server.port": 443,
    }


def prose(rng: random.Random, chars: int) -> str:
    """Text as people write it, with something to redact now and then."""
    words = rng.choices(PROSE.split(), k=chars // 4)
    words.insert(len(words) // 2, rng.choice(SECRETS))
    return " ".join(words)[:chars]


def content_attributes(rng: random.Random) -> Attributes:
    """The same with 2 KB of messages as JSON."""

    def messages(role: str) -> str:
        return json.dumps([{"role": role, "parts": [{"type": "text", "content": prose(rng, 930)}]}])

    return llm_attributes(rng) | {
        "gen_ai.input.messages": messages("user"),
        "gen_ai.output.messages": messages("assistant"),
    }


def http_attributes(rng: random.Random) -> Attributes:
    """What the FastAPI instrumentation writes."""
    return {
        "http.request.method": "GET",
        "url.path": f"/comics/{rng.randrange(1_000)}",
        "url.scheme": "http",
        "http.response.status_code": 200,
        "server.address": "localhost",
        "server.port": 8_000,
        "network.protocol.version": "1.1",
        "user_agent.original": "python-httpx/0.28",
        "client.address": "10.0.0.7",
        "http.route": "/comics/{id}",
    }


def spans(attributes: Callable[[random.Random], Attributes], rng: random.Random) -> Iterable[Span]:
    """Traces of a root and its children; the children call the model."""
    for _ in range(BODY_SPANS // TRACE_SPANS):
        trace_id, root_id = FIRST_ROUND + rng.randbytes(8), rng.randbytes(8)
        for index in range(TRACE_SPANS):
            is_root = index == TRACE_SPANS - 1
            start_ns = NOW_NS - rng.randrange(5 * SECOND_NS)
            yield Span(
                trace_id=trace_id,
                span_id=root_id if is_root else rng.randbytes(8),
                parent_span_id=b"" if is_root else root_id,
                name="POST /comics" if is_root else "chat gpt-4o-mini",
                kind=Span.SPAN_KIND_SERVER if is_root else Span.SPAN_KIND_CLIENT,
                start_time_unix_nano=start_ns,
                end_time_unix_nano=start_ns + rng.randrange(4 * SECOND_NS),
                attributes=key_values(http_attributes(rng) if is_root else attributes(rng)),
                flags=0x101,
            )


def bodies(attributes: Callable[[random.Random], Attributes]) -> list[bytes]:
    """Serialised OTLP requests."""
    rng = random.Random(7)
    resource = Resource(
        attributes=key_values(
            {
                "service.name": "studio",
                "service.instance.id": "studio-1",
                "service.version": "1.2",
                "deployment.environment.name": "production",
                "telemetry.sdk.name": "opentelemetry",
                "telemetry.sdk.language": "python",
                "telemetry.sdk.version": "1.45.1",
            }
        )
    )
    scope = InstrumentationScope(name="opentelemetry.instrumentation.openai_v2", version="2.4b0")
    return [
        ExportTraceServiceRequest(
            resource_spans=[
                ResourceSpans(
                    resource=resource, scope_spans=[ScopeSpans(scope=scope, spans=list(spans(attributes, rng)))]
                )
            ]
        ).SerializeToString()
        for _ in range(BODIES)
    ]


WORKLOADS: dict[str, tuple[Callable[[random.Random], Attributes], LineConfig, int]] = {
    "LLM, no content": (llm_attributes, LineConfig(), 60_000),
    "LLM, 2 KB content": (content_attributes, LineConfig(redact=RedactConfig(content="redacted")), 25_000),
    "not GenAI": (http_attributes, LineConfig(), 500_000),
}


def overall(config: LineConfig, requests: list[bytes], seconds: float) -> float:
    """Spans per second through the whole line."""
    line, position, arrival_ns, spent, rounds = Pipeline(config, KEY), 0, NOW_NS, 0.0, 0
    while spent < seconds:
        rounds += 1
        fresh = [body.replace(FIRST_ROUND, rounds.to_bytes(8, "big")) for body in requests]
        start = time.perf_counter()
        for body in fresh:
            arrival_ns += BETWEEN_REQUESTS_NS
            line.traces(position, position + len(body), arrival_ns, body)
            position += len(body)
        spent += time.perf_counter() - start
    return rounds * len(requests) * BODY_SPANS / spent


def stages(config: LineConfig, requests: list[bytes]) -> dict[str, float]:
    """Seconds that each stage takes for all requests, each stage fed with what the one before made."""
    drops = Drops()
    normalise, price, redact = Normalise(), Price(drops), Redact(config.redact, KEY, drops)
    gather, sample, aggregate = Gather(config.gather, drops), Sample(config.sample), Aggregate(config, drops)
    took: dict[str, float] = {}

    def measure(stage: str, work: Callable[[], T]) -> T:
        start = time.perf_counter()
        made = work()
        took[stage] = took.get(stage, 0.0) + time.perf_counter() - start
        return made

    def gather_all() -> None:
        for call in clean:
            gather.generation(call, NOW_NS)
        for root in clean_roots:
            gather.root(root, NOW_NS)
        deque(gather.due(NOW_NS + 100 * SECOND_NS), maxlen=0)

    def aggregate_all() -> None:
        for call, verdict in zip(clean, verdicts, strict=True):
            aggregate.generation(call, verdict)
        aggregate.close_window(rows_due=True)

    spans = measure("decode", lambda: [s for body in requests for s in decode(body, normalise.keys, drops)[0]])
    calls = measure("normalise", lambda: [call for span in spans if (call := normalise(span)) is not None])
    roots = measure("normalise", lambda: [root for span in spans if (root := normalise.root(span)) is not None])
    priced = measure("price", lambda: [price(call) for call in calls])
    clean = measure("redact", lambda: [redact(call) for call in priced])
    clean_roots = measure("redact", lambda: [redact.root(root) for root in roots])
    measure("gather", gather_all)
    verdicts = measure("sample", lambda: [sample(call) for call in clean])
    measure("aggregate", aggregate_all)
    return took


def report(name: str, seconds: float) -> None:
    """Print one workload."""
    attributes, config, budget = WORKLOADS[name]
    requests = bodies(attributes)
    total = BODIES * BODY_SPANS
    rate = overall(config, requests, seconds)
    print(f"\n{name}: {sum(map(len, requests)) / total:,.0f} bytes a span, 1 root in {TRACE_SPANS} spans")
    best = [stages(config, requests) for _ in range(2)]
    for stage in best[0]:
        took = min(run[stage] for run in best)
        print(f"  {stage:<12}{took / total * 1e6:8.2f} µs/span {total / max(took, 1e-9):14,.0f} spans/s")
    print(
        f"  {'the line':<12}{1e6 / rate:8.2f} µs/span {rate:14,.0f} spans/s   {rate / budget:.2f} x budget {budget:,}"
    )


def profile(name: str) -> None:
    """Print where a workload's time goes."""
    attributes, config, _ = WORKLOADS[name]
    requests = bodies(attributes)
    profiler = cProfile.Profile()
    profiler.runcall(overall, config, requests, 4.0)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)


def main() -> None:
    """Print all workloads, or the profile of one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--profile", choices=WORKLOADS)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each workload")
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if options.profile:
        profile(options.profile)
        return
    print(f"one core, Python {platform.python_version()}, load before {os.getloadavg()[0]:.1f}")
    for name in WORKLOADS:
        report(name, options.seconds)


if __name__ == "__main__":
    main()

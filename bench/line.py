"""Spans per second of the line on one core, per stage and overall, beside the budgets of design §8.

    python bench/line.py [--profile WORKLOAD]

The input is what stock SDKs send: OTLP requests of 512 spans made with the opentelemetry-proto messages. Times are
CPU time, so that other work on the machine does not count.
"""

import argparse
import cProfile
import gc
import json
import os
import platform
import pstats
import random
import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TypeVar

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from mixed_dialects import Attributes, mixed
from prose import prose
from spanwand.aggregate import Aggregate
from spanwand.config import LineConfig, RedactConfig
from spanwand.decode import Decode
from spanwand.drops import Drops
from spanwand.gather import Gather
from spanwand.normalise import Normalise
from spanwand.pipeline import Pipeline
from spanwand.price import Price
from spanwand.redact import Redact
from spanwand.sample import Sample
from spanwand_sidecar.process import COLLECT_AFTER

BODY_SPANS = 512
TRACE_SPANS = 8
SECOND_NS = 1_000_000_000
T = TypeVar("T")
KEY = b"k" * 32
NOW_NS = 1_780_000_000 * SECOND_NS
BODIES = 24
"""Requests per workload, 12,288 spans. They are fed over and over, each time with other trace ids."""
FIRST_ROUND = b"r0000000"
"""First half of each trace id, and in each response id, as built: ids are never seen twice."""
BETWEEN_REQUESTS_NS = 35_000_000
"""Journal time that passes: 15,000 spans and 1,800 traces a second, windows close and rows are handed over."""

RESOURCE: Attributes = {
    "service.name": "studio",
    "service.instance.id": "studio-1",
    "deployment.environment.name": "production",
}
FIELDS = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}


def key_values(attributes: Attributes) -> list[KeyValue]:
    """OTLP attributes."""
    made = [KeyValue(key=key) for key in attributes]
    for attribute, value in zip(made, attributes.values(), strict=True):
        if isinstance(value, list):
            attribute.value.array_value.values.extend(AnyValue(string_value=text) for text in value)
        else:
            setattr(attribute.value, FIELDS[type(value)], value)
    return made


def llm_attributes(rng: random.Random) -> Attributes:
    """What the OpenAI instrumentation writes for a chat."""
    names = "operation.name system provider.name request.model response.model response.id conversation.id"
    answered = rng.choice(["gpt-4o-mini-2024-07-18", "gpt-4o-2024-08-06"])
    ids = [f"chatcmpl-{FIRST_ROUND.decode()}{rng.getrandbits(64):x}", f"c{rng.randrange(1_000)}"]
    texts = ["chat", "openai", "openai", "gpt-4o-mini", answered, *ids]
    return {
        **{f"gen_ai.{name}": text for name, text in zip(names.split(), texts, strict=True)},
        "gen_ai.request.temperature": 0.7,
        "gen_ai.request.max_tokens": 1_024,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": rng.randrange(50, 4_000),
        "gen_ai.usage.output_tokens": rng.randrange(1, 900),
        "server.address": "api.openai.com",
        "server.port": 443,
    }


def content_attributes(rng: random.Random) -> Attributes:
    """The same with 2 KB of messages as JSON."""

    def messages(role: str) -> str:
        return json.dumps([{"role": role, "parts": [{"type": "text", "content": prose(rng, 930)}]}])

    return llm_attributes(rng) | {
        f"gen_ai.{n}.messages": messages(r) for n, r in (("input", "user"), ("output", "model"))
    }


def http_attributes(rng: random.Random) -> Attributes:
    """What the FastAPI instrumentation writes."""
    names = "http.request.method http.route url.path url.scheme network.protocol.version user_agent.original"
    texts = ["GET", "/comics/{id}", f"/comics/{rng.randrange(1_000)}", "http", "1.1", "python-httpx/0.28"]
    numbers: Attributes = {"http.response.status_code": 200, "server.port": 8_000}
    return {**dict(zip(names.split(), texts, strict=True)), **numbers, "server.address": "localhost"}


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
    resource = Resource(attributes=key_values(RESOURCE))
    scope = InstrumentationScope(name="opentelemetry.instrumentation.openai_v2", version="2.4b0")
    made = []
    for _ in range(BODIES):
        scope_spans = ScopeSpans(scope=scope, spans=spans(attributes, rng))
        resource_spans = ResourceSpans(resource=resource, scope_spans=[scope_spans])
        made.append(ExportTraceServiceRequest(resource_spans=[resource_spans]).SerializeToString())
    return made


def mixed_attributes(rng: random.Random) -> Attributes:
    """What instrumentations of other dialects write."""
    return mixed(rng, f"chatcmpl-{FIRST_ROUND.decode()}{rng.getrandbits(64):x}")


WORKLOADS: dict[str, tuple[Callable[[random.Random], Attributes], LineConfig, int]] = {
    "LLM, no content": (llm_attributes, LineConfig(), 60_000),
    "LLM, 2 KB content": (content_attributes, LineConfig(redact=RedactConfig(policy="redacted")), 25_000),
    "mixed dialects": (mixed_attributes, LineConfig(), 20_000),
    "not GenAI": (http_attributes, LineConfig(), 500_000),
}


def overall(config: LineConfig, requests: list[bytes], seconds: float) -> float:
    """Spans per second through the whole line. A round before fills its caches: those of a daemon are full."""
    line, position, arrival_ns, spent, rounds = Pipeline(config, KEY), 0, NOW_NS, 0.0, -1
    while spent < seconds:
        rounds += 1
        fresh = [body.replace(FIRST_ROUND, f"r{rounds + 1:07}".encode()) for body in requests]
        start = time.process_time()
        for body in fresh:
            arrival_ns += BETWEEN_REQUESTS_NS
            line.traces(position, position := position + len(body), arrival_ns, body)
        spent += time.process_time() - start if rounds else 0
    return rounds * len(requests) * BODY_SPANS / spent


def stages(config: LineConfig, requests: list[bytes]) -> dict[str, float]:
    """Seconds that each stage takes for all requests, each stage fed with what the one before made."""
    normalise, price, redact = Normalise(), Price(), Redact(config.redact, KEY, drops := Drops())
    decode, gather = Decode(normalise.keys, drops), Gather(config.gather, drops)
    sample, aggregate = Sample(config.sample), Aggregate(config, drops)
    took: dict[str, float] = {}

    def measure(stage: str, work: Callable[[], T]) -> T:
        start = time.process_time()
        made = work()
        took[stage] = took.get(stage, 0.0) + time.process_time() - start
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

    spans = measure("decode", lambda: [s for body in requests for s in decode(body)[0]])
    calls = measure("normalise", lambda: [call for span in spans if (call := normalise(span)) is not None])
    roots = measure("normalise", lambda: [root for span in spans if (root := normalise.root(span)) is not None])
    priced = measure("price", lambda: [price(call) for call in calls])
    clean = measure("redact", lambda: [redact(call) for call in priced])
    clean_roots = measure("redact", lambda: [redact.root(root) for root in roots])
    measure("gather", gather_all)
    traces = [list(calls) for _, calls in groupby(clean, lambda call: call.trace_id)]
    verdicts = measure("sample", lambda: [verdict for calls in traces for verdict in sample(calls, None)])
    measure("aggregate", aggregate_all)
    return took


def report(name: str, seconds: float) -> None:
    """Print one workload."""
    attributes, config, budget = WORKLOADS[name]
    requests, total = bodies(attributes), BODIES * BODY_SPANS
    rate = max(overall(config, requests, seconds / 3) for _ in range(3))
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
    profiler = cProfile.Profile()
    profiler.runcall(overall, config, bodies(attributes), 4.0)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)


def main() -> None:
    """Print all workloads, or the profile of one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--profile", choices=WORKLOADS)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each workload")
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    gc.freeze()  # both as in the daemon
    gc.set_threshold(*COLLECT_AFTER)
    print(f"one core, Python {platform.python_version()}")
    for name in () if options.profile else WORKLOADS:
        report(name, options.seconds)
    if options.profile:
        profile(options.profile)


if __name__ == "__main__":
    main()

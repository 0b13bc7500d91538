"""P3, P6: attributes that no dialect reads are kept if they are asked for, by name or by how they begin, with caps."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import ValidationError

from spanwand.config import LineConfig
from spanwand.normalise import Normalise
from spanwand.otlp.v1.view_pb2 import KeyValue
from spanwand.pipeline import Pipeline
from spanwand.tables import GENERATIONS, REQUESTS, columns
from spanwand_sidecar.explain.unread import unread

CHAT: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 7}


def sent(*calls: dict[str, Any]) -> Sequence[ReadableSpan]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "studio", "k8s.cluster.name": "studio-0"}))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    for attributes in calls:
        with provider.get_tracer("app").start_as_current_span("chat", attributes=CHAT | attributes):
            pass
    return memory.get_finished_spans()


def cells(names: tuple[str, ...], *calls: dict[str, Any], table: str = GENERATIONS, **config: Any) -> list[list[Any]]:
    """The configured columns of each call."""
    line = Pipeline(LineConfig.model_validate({"gather": {"request_attributes": names}, **config}), b"k" * 32)
    line.traces(0, 1, 10**18, encode_spans(sent(*calls)).SerializeToString())
    batch = line.drain(1, 2, 10**18)
    assert batch is not None
    rows = [row for update in batch.updates for row in update.rows.get(table, ())]
    first = [column.name for column in columns(table, names)].index(names[0])
    return [list(row[first : first + len(names)]) for row in rows]


@pytest.mark.parametrize("table", [GENERATIONS, REQUESTS])
def test_what_begins_so_is_one_column_and_what_is_named_another(table: str) -> None:
    call = {"app.page": 3, "app.panels": ["a", "b"], "app.id": "c7", "apple": 1}
    ((named, begun, pod),) = cells(("app.id", "app.*", "k8s.*"), call, table=table)
    assert named == "c7"
    assert json.loads(begun) == {"app.page": 3, "app.panels": ["a", "b"]}
    assert json.loads(pod) == {"k8s.cluster.name": "studio-0"}


def test_nothing_is_kept_that_nobody_asked_for() -> None:
    assert cells(("app.*",), {"other": "said"}) == [[None]]


def test_what_a_dialect_reads_is_in_its_own_columns_alone() -> None:
    """So no prompt that is known to be one comes in here, whatever the policy."""
    said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "tell nobody"}]}])
    flat = {"gen_ai.prompt.0.content": "tell nobody", "gen_ai.prompt.0.role": "user"}
    ((begun,),) = cells(("*",), {"gen_ai.input.messages": said, "gen_ai.request.top_k": 40, **flat})
    assert "tell nobody" not in begun
    kept = json.loads(begun)
    assert kept["gen_ai.request.top_k"] == 40
    assert not kept.keys() & {*CHAT, "gen_ai.input.messages", *flat, "service.name"}


def test_keys_and_values_are_redacted() -> None:
    ((begun,),) = cells(("app.*",), {"app.jane@example.com": "from joe@example.com", "app.key": "sk-" + "a1B2" * 12})
    assert "example.com" not in begun
    assert "a1B2" not in begun


def test_rules_are_about_them() -> None:
    rules = [{"name": "page", "attribute": "attributes.app.page", "action": "drop"}]
    ((begun,),) = cells(("app.*",), {"app.page": "secret", "app.size": "a4"}, redact={"rules": rules})
    assert json.loads(begun) == {"app.page": "", "app.size": "a4"}


def test_caps() -> None:
    """R22: however many there are, and however long they are."""
    many = {f"app.{number:03}": "x" * 20_000 for number in range(100)}
    ((begun,),) = cells(("app.*",), many, {})[:1]
    assert len(begun) <= 20_000
    few = cells(("app.*",), {f"app.{number:03}": number for number in range(100)})[0][0]
    assert len(json.loads(few)) == 32


@pytest.mark.parametrize("name", ["", "a*b", "**", "*a"])
def test_a_name_that_cannot_be_meant(name: str) -> None:
    with pytest.raises(ValidationError, match="request_attributes"):
        LineConfig.model_validate({"gather": {"request_attributes": [name]}})


def test_explain_does_not_call_them_unread() -> None:
    keys = Normalise(("app.*",)).keys
    raw = [KeyValue(key=key.encode()).SerializeToString() for key in ("app.page", "other", "gen_ai.request.model")]
    assert unread(raw, keys) == ("other",)

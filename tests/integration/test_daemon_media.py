"""A5, P2, P6: images through a whole daemon, killed between an upload and the span it is about."""

import base64
import json
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from tests.support.daemon import CHAT, WINDOW, RunningDaemon, daemon, rows, spanwand, sums, until, updates
from tests.support.pictures import digest, png

from spanwand.config import MediaConfig
from spanwand.sanitise import sanitiser

ON = {**WINDOW, "GATHER__IDLE_S": "60", "GATHER__LATE_S": "60", "MEDIA__IMAGES": "thumbnails"}
ENCODED = base64.b64encode(png(1)).decode()
ANSWER = json.dumps([{"role": "assistant", "parts": [{"type": "blob", "mime_type": "image/png", "content": ENCODED}]}])


def chat(answer: str = ANSWER, context: Context | None = None) -> Any:
    """A call that ended; nothing has sent it yet."""
    attributes = {**CHAT, "gen_ai.output.messages": answer}
    span = TracerProvider().get_tracer("app").start_span("chat", context, attributes=attributes)
    span.end()
    return span


def upload(running: RunningDaemon, span: Any, number: int) -> None:
    context = span.get_span_context()
    path = f"/v1/media/{context.trace_id:032x}/{context.span_id:016x}/{number}"
    answer = httpx.put(f"http://{running.endpoints.http}{path}", content=png(number), trust_env=False)
    assert answer.json() == {"sha256": digest(number)}


def test_images_survive_a_kill(tmp_path: Path) -> None:
    span = chat()
    with daemon(tmp_path, **ON) as running:
        for number in (3, 2):
            upload(running, span, number)
        running.kill()
    with daemon(tmp_path, **ON) as running:
        OTLPSpanExporter(endpoint=f"http://{running.endpoints.grpc[0]}", insecure=True).export([span])
        until(lambda: rows(updates(tmp_path), "generations"))
        assert running.status().received.images == 0
        assert "Traceback" not in running.stop()
    lines = updates(tmp_path)
    (row,) = rows(lines, "generations")
    assert row["image_sha256"] == ",".join(map(digest, (1, 2, 3)))
    safe = sanitiser(MediaConfig(images="thumbnails"))
    for column, number in {"image": 1, "image_2": 2, "image_3": 3}.items():
        assert (tmp_path / "jsonl" / row[column]).read_bytes() == safe(png(number)).jpeg
    assert row["image_4"] is row["output"] is None
    assert not [key for points in sums(lines).values() for key in points if "media" in key]
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(ENCODED[:200].encode() in each or png(2)[100:300] in each for each in kept)
    shown = json.loads(spanwand(tmp_path, "read", "--json").stdout)
    assert digest(2) in json.dumps(shown)


def test_files_that_a_call_names_survive_a_kill(tmp_path: Path) -> None:
    """K5, ADR 0023: each is read once, whenever the daemon is killed; what may not be read is counted once."""
    root, data = tmp_path / "volume", tmp_path / "data"
    (root / "day").mkdir(parents=True)
    (root / "day" / "4.png").write_bytes(png(4))
    (tmp_path / "5.png").write_bytes(png(5))
    (root / "5.png").symlink_to("../5.png")
    uris = (f"file://{root}/day/4.png", f"{root}/5.png", f"{root}/../5.png", f"{tmp_path}/5.png", "http://h/5.png")
    said = json.dumps([{"role": "assistant", "parts": [{"type": "uri", "uri": uri} for uri in uris]}])
    parent = SpanContext(1, 1, is_remote=True, trace_flags=TraceFlags(1))
    span = chat(said, set_span_in_context(NonRecordingSpan(parent)))
    waiting = dict.fromkeys(("GATHER__HOLD_S", "GATHER__IDLE_S", "GATHER__LATE_S"), "600")
    settings = {**ON, **waiting, "MEDIA__ALLOWED_ROOTS": json.dumps([str(root)])}
    with daemon(data, **settings) as running:
        OTLPSpanExporter(endpoint=f"http://{running.endpoints.grpc[0]}", insecure=True).export([span])
        running.kill()
    with daemon(data, **settings) as running:
        until(lambda: spanwand(data, "journal", "cat").stdout.count('"kind":"media"') >= 3, timeout_s=60)
        assert "Traceback" not in running.stop()
    lines = updates(data)
    (row,) = rows(lines, "generations")
    assert (row["image_sha256"], row["image_2"]) == (digest(4), None)
    assert sum(points["spanwand/dropped/media_not_allowed"] for points in sums(lines).values()) == 2
    assert png(5)[100:300] not in b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())

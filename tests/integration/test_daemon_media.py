"""A5, P2, P6: images through a whole daemon, killed between an upload and the span it is about."""

import base64
import json
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from tests.support.daemon import CHAT, WINDOW, RunningDaemon, daemon, rows, spanwand, sums, until, updates
from tests.support.pictures import digest, png

from spanwand.config import MediaConfig
from spanwand.sanitise import sanitiser

ON = {**WINDOW, "GATHER__IDLE_S": "60", "GATHER__LATE_S": "60", "MEDIA__IMAGES": "thumbnails"}
ENCODED = base64.b64encode(png(1)).decode()
ANSWER = json.dumps([{"role": "assistant", "parts": [{"type": "blob", "mime_type": "image/png", "content": ENCODED}]}])


def chat() -> Any:
    """A call that ended; nothing has sent it yet."""
    span = TracerProvider().get_tracer("app").start_span("chat", attributes={**CHAT, "gen_ai.output.messages": ANSWER})
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

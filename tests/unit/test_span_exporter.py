"""The exporter as the SDK sees it, and the line behind it (P11)."""

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from spanwand.config import InProcessConfig, LineConfig
from spanwand.errors import ConfigError
from spanwand.in_process import Line
from spanwand.in_process_config import AppConfig, read_setup
from spanwand.pipeline import Pipeline
from spanwand.pseudonym_key import read_or_make
from spanwand.sinks.memory import MemorySink
from spanwand.span_exporter import WandbSpanExporter
from spanwand_sidecar.config import Config

Pipelines = Callable[[], Pipeline]


@pytest.fixture
def spans() -> Sequence[ReadableSpan]:
    """Thirty ended model calls."""
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    for _ in range(30):
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
        provider.get_tracer("app").start_span("chat", attributes=attributes).end()
    return memory.get_finished_spans()


@pytest.fixture
def exporter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbSpanExporter]:
    """One that writes JSON lines below `tmp_path`."""
    for name in list(os.environ):
        if name.startswith("SPANWAND_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SPANWAND_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SPANWAND_SINKS", "jsonl")
    exporter = WandbSpanExporter()
    yield exporter
    exporter.shutdown()


def pipeline() -> Pipeline:
    return Pipeline(LineConfig(), b"k" * 32)


def later_s(seconds: float = 20.0) -> float:
    return time.monotonic() + seconds


def points(sink: MemorySink) -> Counter[str]:
    total: Counter[str] = Counter()
    for batch in sink.batches:
        for update in batch.updates:
            total.update({name: int(value) for name, value in update.points.items()})
    return total


def files(tmp_path: Path) -> list[Path]:
    return list(tmp_path.rglob("batches.jsonl"))


def test_the_contract_of_the_sdk(exporter: WandbSpanExporter, spans: Sequence[ReadableSpan], tmp_path: Path) -> None:
    """Exported, flushed, shut down twice, and nothing afterwards."""
    assert exporter.force_flush()
    assert exporter.export(spans) is SpanExportResult.SUCCESS
    assert exporter.force_flush()
    (file,) = files(tmp_path)
    written = file.read_text()
    assert '"llm/requests":30' in written
    exporter.shutdown()
    exporter.shutdown()
    assert exporter.export(spans) is SpanExportResult.FAILURE
    assert exporter.force_flush()
    assert file.read_text() == written


def test_a_wrong_configuration_is_said_once(
    spans: Sequence[ReadableSpan], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """The app is not harmed; nothing is started."""
    monkeypatch.setenv("SPANWAND_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SPANWAND_SINKS", "jsonlines")
    threads = threading.active_count()
    exporter = WandbSpanExporter()
    assert exporter.export(spans) is exporter.export(spans) is SpanExportResult.FAILURE
    assert exporter.force_flush()
    exporter.shutdown()
    assert threading.active_count() == threads
    (record,) = caplog.records
    assert (record.levelno, "there is no sink 'jsonlines'" in record.message) == (logging.ERROR, True)


def test_one_file_serves_daemon_and_app(tmp_path: Path) -> None:
    """B4: the daemon's own keys are passed over, in the file and in the environment; a typo is not."""
    assert set(Config.model_fields) <= set(AppConfig.model_fields)
    file = tmp_path / "spanwand.yaml"
    file.write_text("listen: {grpc: ['127.0.0.1:1']}\ngrace_s: 3\nin_process: {exit_timeout_s: 4}\nsinks: [jsonl]\n")
    environ = {"SPANWAND_CONFIG": str(file), "SPANWAND_DATA_DIR": str(tmp_path), "SPANWAND_LOG__LEVEL": "debug"}
    setup = read_setup(environ)
    assert (setup.config.in_process.exit_timeout_s, setup.config.sinks) == (4, ("jsonl",))
    with pytest.raises(ConfigError, match="SPANWAND_LOGS; did you mean"):
        read_setup(environ | {"SPANWAND_LOGS": "1"})


def test_what_does_not_fit_is_counted_and_nobody_waits(spans: Sequence[ReadableSpan]) -> None:
    """P11: the line is stuck, the app goes on; the loss is a metric afterwards."""
    go_on, sink = threading.Event(), MemorySink()

    def stuck() -> Pipeline:
        go_on.wait(20)
        return pipeline()

    line = Line(InProcessConfig(max_queued_spans=40), stuck, [lambda: sink])
    line.offer(spans[:1])  # taken from the queue, and stuck
    while line._queued:
        time.sleep(0.01)
    assert line.offer(spans)
    assert not line.offer(spans)
    assert not line.drain(later_s(0.01))
    go_on.set()
    assert line.close(later_s())
    assert points(sink)["llm/requests"] + points(sink)["spanwand/dropped/duplicate"] == 41
    assert points(sink)["spanwand/dropped/queue_full"] == 20


def test_a_bug_in_the_line_costs_its_spans_only(
    spans: Sequence[ReadableSpan], caplog: pytest.LogCaptureFixture
) -> None:
    """They are counted; the thread lives."""
    sink, tries = MemorySink(), iter([MemoryError("once")])

    def failing() -> Pipeline:
        for error in tries:
            raise error
        return pipeline()

    line = Line(InProcessConfig(), failing, [lambda: sink])
    line.offer(spans)
    assert line.drain(later_s())
    line.offer(spans)
    assert line.close(later_s())
    assert points(sink)["llm/requests"] == points(sink)["spanwand/dropped/line_failed"] == 30
    assert "line_failed (MemoryError)" in caplog.text


def test_all_processes_of_a_user_agree_on_a_key(tmp_path: Path) -> None:
    """P6: the same user is the same pseudonym in each of them."""
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(read_or_make("", tmp_path / "new"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["pseudonym.key"]


def test_a_key_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "short").write_text("abc")
    for name in ("short", "missing"):
        with pytest.raises(ConfigError, match="pseudonym_key_file"):
            read_or_make(str(tmp_path / name), tmp_path)

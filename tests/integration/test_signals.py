"""OTLP logs and metrics of stock SDKs through the daemon, joined to the spans they are about (P1, P3, A3, A4).

The real `openai` package under its instrumentation, which writes no content on spans: the completion hook sends it as
log events. The same process exports its metrics; and an app judges its answer and evaluates a feature flag.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.providers.openai import openai

from spanwand.stored.read import read
from spanwand.stored.run import StoredRun
from spanwand_sidecar.demo.ledger import Answered, Ledger
from spanwand_sidecar.demo.processes import daemon, demo_settings, environment
from spanwand_sidecar.demo.sums import rows_of

APP = """
import openai
from opentelemetry import trace
from opentelemetry._logs import LogRecord, get_logger

client, tracer, logger = openai.OpenAI(), trace.get_tracer("app"), get_logger("app")
with tracer.start_as_current_span("request"):
    logger.emit(LogRecord(event_name="feature_flag.evaluation", attributes={
        "feature_flag.key": "tone", "feature_flag.result.variant": "dry"}))
    client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Ask ada@example.org about the fox."}])
    logger.emit(LogRecord(event_name="gen_ai.evaluation.result", attributes={
        "gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 0.75}))
    logger.emit(LogRecord(body="an ordinary line"))
"""


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[StoredRun], Answered]:
    """All runs, and what the API answered."""
    folder = tmp_path_factory.mktemp("signals")
    (folder / "app.py").write_text(APP)
    ledger = Ledger()
    settings = demo_settings(folder) | {"sinks": ["jsonl"], "redact": {"policy": "redacted"}}
    with daemon(folder, settings) as endpoints, openai(ledger) as api:
        env = environment(
            {
                **api,
                "OTEL_SERVICE_NAME": "fox",
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{endpoints.http}",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_METRICS_EXPORTER": "otlp",
                "OTEL_LOGS_EXPORTER": "otlp",
                "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK": "spanwand",
            }
        )
        instrument = str(Path(sys.executable).with_name("opentelemetry-instrument"))
        subprocess.run([instrument, sys.executable, str(folder / "app.py")], env=env, check=True, timeout=60)
    (answered,) = ledger.answers()
    return read(folder).runs, answered


def the_row(runs: list[StoredRun], table: str) -> dict[str, Any]:
    (row,) = (row for run in runs if table in run.tables for row in rows_of(run, table))
    return row


def totals(runs: list[StoredRun], metric: str) -> float:
    return float(sum(run.summary.get(f"total/{metric}", 0) for run in runs))


def test_what_was_said_comes_by_the_completion_hook(landed: tuple[list[StoredRun], Answered]) -> None:
    """P3, P6: off the span, and redacted."""
    row = the_row(landed[0], "generations")
    assert "about the fox" in row["input"]
    assert "ada@" not in row["input"]
    assert row["output"]


def test_a_flag_is_the_arm_of_the_whole_trace(landed: tuple[list[StoredRun], Answered]) -> None:
    """A4: so its calls are in the arm's own run."""
    for table in ("generations", "requests"):
        row = the_row(landed[0], table)
        assert (row["experiment"], row["arm"]) == ("tone", "dry")
    assert {run.group for run in landed[0]} >= {"tone"}


def test_an_evaluation_is_a_row_and_a_point(landed: tuple[list[StoredRun], Answered]) -> None:
    """A3: joined to the request by its ids."""
    row = the_row(landed[0], "feedback")
    assert (row["name"], row["score"]) == ("relevance", 0.75)
    assert row["trace_id"] == the_row(landed[0], "requests")["trace_id"]
    assert totals(landed[0], "evaluation/relevance/count") == 1


def test_the_clients_own_metrics_agree_with_its_spans(landed: tuple[list[StoredRun], Answered]) -> None:
    """P1: token usage as a histogram, under keys of its own."""
    runs, answered = landed
    for kind in ("input_tokens", "output_tokens"):
        told = getattr(answered.usage, kind)
        assert (totals(runs, f"llm/client/{kind}"), totals(runs, f"llm/{kind}")) == (told, told)


def test_what_is_not_read_is_counted(landed: tuple[list[StoredRun], Answered]) -> None:
    """P1, K2: nothing disappears uncounted."""
    runs, _ = landed
    assert totals(runs, "spanwand/log_records_received") == 4
    assert totals(runs, "spanwand/log_records_read") == 3
    assert totals(runs, "spanwand/metric_points_received") >= totals(runs, "spanwand/metric_points_read") > 0

"""The real `openai` package under its OpenTelemetry instrumentation, through the daemon, against what the API answered.

Plain, streamed with and without usage, tools, embeddings, responses, errors and a retry (P3, P5), read back from the
`jsonl` sink and from real W&B offline runs (P8).
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.golden.programs import openai_sdk
from tests.support.providers.openai import openai

from spanwand.stored.read import read
from spanwand.stored.run import StoredRun
from spanwand_sidecar.demo.ledger import Answered, Ledger
from spanwand_sidecar.demo.processes import daemon, demo_settings, environment
from spanwand_sidecar.demo.sums import Sums, add, answered_by_api, in_metrics, in_table, rows_of

CASES = (
    *("chat", "cached-and-reasoning", "stream", "stream-without-usage", "tools", "embeddings", "responses"),
    *("error", "wrong-key", "throttled", "retried"),
)
FAILED = ["openai.AuthenticationError", "openai.InternalServerError", "openai.RateLimitError"]


@pytest.fixture(scope="module", params=["jsonl", "wandb"])
def landed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[StoredRun, list[Answered]]:
    """The run of all cases, and the API's ledger."""
    folder = tmp_path_factory.mktemp(request.param)
    ledger = Ledger()
    settings = demo_settings(folder) | {"sinks": [request.param]}
    with daemon(folder, settings) as endpoints, openai(ledger) as api:
        env = environment(
            {
                **api,
                "OTEL_SERVICE_NAME": "cases",
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{endpoints.http}",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            }
        )
        instrument = str(Path(sys.executable).with_name("opentelemetry-instrument"))
        command = [instrument, sys.executable, openai_sdk.__file__, *CASES]
        subprocess.run(command, env=env, check=True, timeout=60)
    (run,) = (run for run in read(folder).runs if run.job_type == "cases")
    return run, ledger.answers()


def successes(answers: list[Answered]) -> list[Answered]:
    return [answer for answer in answers if answer.status == 200]


def expected(answers: list[Answered]) -> Sums:
    """The SDK tries failed calls again by itself: a call is one span, whatever number of attempts it took."""
    sums = add(map(answered_by_api, successes(answers)))
    return Sums(
        requests=sums.requests + len(FAILED),
        errors=len(FAILED),
        input_tokens=sums.input_tokens,
        output_tokens=sums.output_tokens,
        cached_input_tokens=sums.cached_input_tokens,
        images=0,
        cost_usd=sums.cost_usd,
    )


def test_metrics_are_what_the_api_answered(landed: tuple[StoredRun, list[Answered]]) -> None:
    run, answers = landed
    assert in_metrics(run) == expected(answers)


def test_rows_are_what_the_api_answered(landed: tuple[StoredRun, list[Answered]]) -> None:
    run, answers = landed
    assert in_table(run) == expected(answers)
    rows = [row for row in rows_of(run, "generations") if row["status"] == "ok"]
    read_back = Counter((row["model"], row["input_tokens"], row["output_tokens"]) for row in rows)
    assert read_back == Counter((a.model, a.usage.input_tokens, a.usage.output_tokens) for a in successes(answers))


def test_each_failure_has_its_type(landed: tuple[StoredRun, list[Answered]]) -> None:
    run, _ = landed
    failed = [row for row in rows_of(run, "generations") if row["status"] == "error"]
    assert sorted(row["error_type"] for row in failed) == FAILED
    assert all(row["cost_usd"] is None and row["input_tokens"] is None for row in failed)


def test_a_stream_without_usage_has_no_counts_and_no_cost(landed: tuple[StoredRun, list[Answered]]) -> None:
    """P5: unknown, never 0."""
    run, _ = landed
    rows = [row for row in rows_of(run, "generations") if row["status"] == "ok" and row["input_tokens"] is None]
    assert [(row["output_tokens"], row["cost_usd"]) for row in rows] == [(None, None)]


def test_streams_have_a_time_to_the_first_chunk(landed: tuple[StoredRun, list[Answered]]) -> None:
    run, _ = landed
    assert sum(row["ttft_s"] is not None for row in rows_of(run, "generations")) == 2

"""P6, P8: what a run's summary adds up, the same for each sink."""

from pathlib import Path

from msgspec.structs import replace
from tests.contract.test_sinks import batch

from spanwand.batch import Batch
from spanwand.config import LineConfig
from spanwand.sinks.jsonl import open_sink
from spanwand.stored.batches import read_batches
from spanwand.summary import Summary


def test_totals_of_what_adds_up_and_nothing_else() -> None:
    summary = Summary()
    assert summary.add({"llm/requests": 2, "llm/latency_s/p50": 0.5, "spanwand/batch": 7}) == {"total/llm/requests": 2}
    assert summary.add({"llm/requests": 3, "llm/cost_usd": 0.5}) == {"total/llm/requests": 5, "total/llm/cost_usd": 0.5}


def test_redaction_by_rule() -> None:
    summary = Summary()
    assert summary.add({"spanwand/redacted/email": 2})["redaction"] == {"email": 2}
    assert "redaction" not in summary.add({"llm/requests": 1})
    assert summary.add({"spanwand/redacted/card": 1})["redaction"] == {"card": 1, "email": 2}


def with_points(sent: Batch, points: dict[str, int]) -> Batch:
    return replace(sent, updates=tuple(replace(update, points=points) for update in sent.updates))


def test_of_a_file_of_batches(tmp_path: Path) -> None:
    sink = open_sink(LineConfig(), tmp_path)
    for number in (1, 2):
        sink.write(with_points(batch(number, "a", "b"), {"llm/requests": 4, "spanwand/redacted/email": number}))
    sink.close(1)
    for run in read_batches(tmp_path / "batches.jsonl", "batches.jsonl"):
        assert run.summary["redaction"] == {"email": 3}
        assert run.summary["total/llm/requests"] == 8

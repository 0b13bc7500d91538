"""Senders of OTLP logs and metrics, and what comes out of those: verdicts on calls, and two counters."""

from collections import Counter

from tests.faults.otlp import VERDICT
from tests.faults.senders import Load
from tests.faults.targets import Delivered, Spanwand, rows, total


def verdicts_load(address: str) -> Load:
    """A sender of logs."""
    return Load(address=address, signal="logs", spans_per_s=100, in_flight=2)


def counters_load(address: str) -> Load:
    """A sender of metrics; like an SDK it makes no point before the last one was taken, and repeats that until then."""
    return Load(address=address, signal="metrics", spans_per_s=8, in_flight=1, max_spans=1, insists=True)


def delivered_verdicts(target: Spanwand) -> Delivered:
    """What came out of the logs: rows of `feedback`, and what the history counts."""
    runs = target.runs()
    found = list(rows(runs, "feedback", "trace_id", "span_id", "score"))
    return Delivered(
        rows=Counter((str(trace_id), str(span_id)) for trace_id, span_id, _ in found),
        counted=int(total(runs, f"evaluation/{VERDICT}/count")),
        tokens=int(sum(score for _, _, score in found if isinstance(score, int | float))),
    )


def counted_tokens(target: Spanwand) -> list[float]:
    """What came out of the metrics: what the two counters grew by."""
    runs = target.runs()
    return [total(runs, f"llm/server/{kind}_tokens") for kind in ("input", "output")]

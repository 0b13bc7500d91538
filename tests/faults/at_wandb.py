"""What the W&B of the tests has, and what the sink has still to check there."""

from collections import Counter
from pathlib import Path

from spanwand.sinks.wandb.evidence import table_of
from spanwand.sinks.wandb.ledger import read_descriptions
from tests.faults.otlp import SpanKey
from tests.support.wandb_server import WandbServer


def rows_at(server: WandbServer) -> Counter[SpanKey]:
    """The spans of which W&B has a row, and how many."""
    tables = [(table_of(key), table) for run in server.runs for key, table in server.tables(run).items()]
    records = [record for name, table in tables if name == "generations" for record in table.records()]
    return Counter((record["trace_id"], record["span_id"]) for record in records)


def counted_at(server: WandbServer) -> int:
    """The spans that the history at W&B counts."""
    return sum(step.get("llm/requests", 0) for run in server.runs for step in server.history(run))


def unverified(directory: Path) -> set[str]:
    """The runs of a sink's directory of which nobody has checked yet that W&B has them in full."""
    return {run.run_id for run in read_descriptions(directory) if run.upload != "verified"}

"""Keeps batches in a list: for tests, and for a look at what the line makes."""

from pathlib import Path

from spanwand.batch import Batch
from spanwand.config import LineConfig
from spanwand.outcomes import Delivered, Outcome


class MemorySink:
    """`batches` holds every batch that was written, in order. Nothing bounds it and nothing outlives the process."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def write(self, batch: Batch) -> Outcome:
        """Keep a batch; one that is kept already is passed over."""
        if not self.batches or batch.seq > self.batches[-1].seq:
            self.batches.append(batch)
        return Delivered()

    def close(self, deadline_s: float) -> None:
        """Nothing to finish."""


def open_sink(_config: LineConfig, _directory: Path) -> MemorySink:
    """See `spanwand.sinks`."""
    return MemorySink()

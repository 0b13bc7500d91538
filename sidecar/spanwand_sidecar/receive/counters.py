"""What the doors count."""

from collections import Counter

import msgspec

from spanwand_sidecar.receive.refusal import RefusalReason
from spanwand_sidecar.receive.signals import Signal


class Counters(msgspec.Struct):
    """Counts since the start, shared by the doors. Each is only ever added to, and read by whoever shows them."""

    requests: Counter[Signal] = msgspec.field(default_factory=Counter)
    """Requests that reached a door, whatever became of them."""
    accepted: Counter[Signal] = msgspec.field(default_factory=Counter)
    """Spans, metrics and log records acknowledged, all of them durable."""
    accepted_images: int = 0
    """Uploaded images acknowledged."""
    accepted_bytes: int = 0
    """Inflated bytes of acknowledged requests."""
    refused: Counter[RefusalReason] = msgspec.field(default_factory=Counter)
    """Requests not acknowledged."""

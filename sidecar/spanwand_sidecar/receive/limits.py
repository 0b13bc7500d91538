"""What a sender may ask of the doors."""

from pydantic import Field

from spanwand.config import Section


class ReceiveConfig(Section):
    """Limits on requests. A byte limit alone bounds no memory: an empty span is 2 bytes here and 170 when parsed."""

    max_message_bytes: int = Field(default=64 << 20, ge=1 << 10)
    """Largest request, before and after inflation."""
    max_spans: int = Field(default=100_000, gt=0)
    """Most spans (and parts around them) in one request."""
    max_in_flight_bytes: int = Field(default=64 << 20, gt=0)
    """Bodies waiting for the disk at most; above it senders are told to retry. One request is always let in."""
    retry_after_s: float = Field(default=1.0, gt=0)
    """What senders are told to wait when the journal is full or the disk refuses."""

"""What a user may write about the journal."""

from pydantic import Field

from spanwand.config import Section


class JournalConfig(Section):
    """The durable log that every request goes through before it is acknowledged."""

    max_bytes: int = Field(default=2 << 30, ge=1 << 16)
    """Data kept at most; above it senders are told to retry. Disk use may be one segment more."""
    segment_bytes: int = Field(default=64 << 20, ge=1 << 12)
    """Size at which a new file is begun. Space is given back a file at a time."""

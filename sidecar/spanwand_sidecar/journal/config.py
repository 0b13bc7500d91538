"""What a user may write about the journal."""

from typing import Literal

from pydantic import Field

from spanwand.config import Section


class JournalConfig(Section):
    """The durable log that every request goes through before it is acknowledged."""

    max_bytes: int = Field(default=2 << 30, ge=1 << 16)
    """Data kept at most; above it senders are told to retry. Disk use may be one segment more."""
    segment_bytes: int = Field(default=64 << 20, ge=1 << 12)
    """Size at which a new file is begun. Space is given back a file at a time."""
    min_free_bytes: int = Field(default=64 << 20, ge=0)
    """Free space on the disk below which senders are told to retry: sinks need some of it to empty the journal."""
    seal: Literal["aes-256-gcm", "none"] = "aes-256-gcm"
    """How bodies lie on disk. `none` keeps what apps sent, prompts too, in clear."""
    key_file: str = ""
    """File with the secret for sealing, at least 32 bytes. Empty: `journal.key` in `key_dir`, made once at random."""
    key_dir: str = ""
    """Directory of the generated key. Empty: beside the data directory, its name and `-keys`."""
    lost_key: Literal["refuse", "set-aside"] = "refuse"
    """If the key of what is in the journal is gone: do not start, or begin anew and keep the old files unread in
    `journal/set-aside-…`, where nothing ever deletes them."""

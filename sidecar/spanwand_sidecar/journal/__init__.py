"""The journal: what is in it is acknowledged, and only that."""

from spanwand_sidecar.journal.async_journal import AsyncJournal
from spanwand_sidecar.journal.config import JournalConfig
from spanwand_sidecar.journal.errors import JournalClosed, JournalError, JournalFull, JournalSick, JournalUnusable
from spanwand_sidecar.journal.frame import Frame, FrameKind
from spanwand_sidecar.journal.journal import Journal

__all__ = [
    "AsyncJournal",
    "Frame",
    "FrameKind",
    "Journal",
    "JournalClosed",
    "JournalConfig",
    "JournalError",
    "JournalFull",
    "JournalSick",
    "JournalUnusable",
]

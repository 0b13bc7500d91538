"""Why the journal refused. The first two are answers to a sender (try again later), the others stop the start."""

from spanwand.errors import SpanwandError


class JournalError(SpanwandError):
    """Anything the journal refuses."""


class JournalFull(JournalError):
    """The size cap is reached: back-pressure until the line has committed more."""


class JournalSick(JournalError):
    """The disk refused (no space, I/O error, read-only). It is tried again by itself."""


class JournalClosed(JournalError):
    """Appended to after `close()`."""


class JournalUnusable(JournalError):
    """The directory cannot be opened: locked by another process, not writable, or written by a newer version."""


class JournalLocked(JournalUnusable):
    """The key of what is in it is not there, or is another one."""

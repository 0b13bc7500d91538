"""Every way in which something received does not come out, by name. Nothing disappears uncounted."""

from collections import Counter
from enum import StrEnum


class DropReason(StrEnum):
    """Why an item was dropped. The value is the last part of `spanwand/dropped/<reason>`."""

    UNDECODABLE = "undecodable"
    """A request body that is not protobuf; counted once per request, its spans are not known."""
    INVALID_IDS = "invalid_ids"
    """A span whose trace or span id is missing, zero or of the wrong length."""
    DUPLICATE = "duplicate"
    """A span that came again: same trace id and span id. Only the first counts."""
    FORGOTTEN_EARLY = "forgotten_early"
    """A span that counts, but over the limit of those remembered for `deduplicate.window_s`: if it comes again in that
    time, it counts again."""
    REDACTION_FAILED = "redaction_failed"
    """Content removed because a redactor raised; the metrics of the call are kept."""
    ROW_OVERFLOW = "row_overflow"
    """A Table row over the limit of its table and interval; metrics still count it."""
    TRACE_OVERFLOW = "trace_overflow"
    """A generation whose trace makes no Request, because its window has too many traces; it is in metrics and rows."""
    UNJOINED_EVENT = "unjoined_event"
    """A log event about a call that did not come while its trace was open, or not before it had left."""
    SERIES_OVERFLOW = "series_overflow"
    """A point of an OTLP metric, in a window that has points of too many series."""
    ROW_REFUSED = "row_refused"
    """A Table row that W&B refused for good; metrics still count it."""
    STEP_REFUSED = "step_refused"
    """A window's metrics of one run that W&B refused for good."""
    CLOSED_EARLY = "closed_early"
    """A trace whose Request was made before it was over, because it went on for too long or too much came meanwhile."""
    LATE = "late"
    """A generation that came too late for its trace's Request; it is in metrics and rows."""
    REJECTED_BY_SINK = "rejected_by_sink"
    """A batch that its sink refused for good."""
    QUEUE_FULL = "queue_full"
    """A span that the in-process exporter had no room for."""
    SINK_BACKLOG = "sink_backlog"
    """A batch that the in-process exporter let go because its sink did not take it in time."""
    LINE_FAILED = "line_failed"
    """A span that the in-process exporter could not take: a bug, with a traceback in the app's debug log."""


Drops = Counter[DropReason]
"""A count per reason. Each stage that can drop is handed one."""

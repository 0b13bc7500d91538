"""Reads the images that calls name, on a thread of its own, and journals what it found: an image, or why there is none.

So the line never waits for a file, and a replay sees what was there when the call came.
"""

import threading
import time
from queue import Full, Queue

from msgspec.structs import replace

from spanwand.config import MediaConfig
from spanwand.drops import DropReason
from spanwand.media import MediaRefused
from spanwand.references import Reference
from spanwand.sanitise import Sanitise, sanitiser
from spanwand.uploads import Key, Upload, pack, place_of
from spanwand_sidecar.contained import read_below
from spanwand_sidecar.journal import Frame, FrameKind, Journal, JournalClosed, JournalError
from spanwand_sidecar.log import Seldom

MOST_WAITING = 1_000
RETRY_S = 1.0


class MediaFiles:
    """Used from the line's thread, but for the reading itself."""

    def __init__(self, config: MediaConfig, journal: Journal) -> None:
        """What was in the journal before may be answered there. Raises ConfigError if Pillow is not installed."""
        self._config = config
        self._sanitise: Sanitise = sanitiser(config)
        self._journal = journal
        self._known_until = journal.end
        self._named: dict[Key, Reference] = {}
        self._waiting: Queue[Reference] = Queue(MOST_WAITING)
        self._seldom = Seldom()
        threading.Thread(target=self._run, name="media-files", daemon=True).start()

    def named(self, reference: Reference) -> None:
        """A call names a file."""
        self._named[reference.trace_id, reference.span_id, reference.index] = reference

    def passed(self, frame: Frame) -> None:
        """The line has taken a frame: while it goes over what was there before, answers may follow in the journal."""
        if frame.end <= self._known_until:
            if self._named and frame.kind is FrameKind.MEDIA and (place := place_of(frame.body)):
                self._named.pop(place, None)
            if frame.end < self._known_until:
                return
        for reference in self._named.values():
            try:
                self._waiting.put_nowait(reference)
            except Full:
                self._append(_refusal(reference, DropReason.MEDIA_OVER_LIMIT))
        self._named.clear()

    def _run(self) -> None:
        while True:
            upload = self._read(self._waiting.get())
            while not self._append(upload):
                time.sleep(RETRY_S)

    def _read(self, reference: Reference) -> Upload:
        """What there is to see of a file. Never raises."""
        try:
            media = self._sanitise(read_below(reference.root, reference.path, self._config.max_bytes))
        except MediaRefused as refused:
            self._seldom.warning(f"file {refused.reason}", "a file that a call names is not shown: %s", refused)
            return _refusal(reference, refused.reason)
        except Exception:  # noqa: BLE001  # a bug costs this image, never those behind it
            self._seldom.warning("file", "the reader of files failed", exc_info=True)
            return _refusal(reference, DropReason.MEDIA_UNREADABLE)
        media = replace(media, index=reference.index)
        return Upload(reference.trace_id, reference.span_id, media, index=reference.index)

    def _append(self, upload: Upload) -> bool:
        """False: the journal may take it later."""
        try:
            self._journal.append(FrameKind.MEDIA, pack(upload))
        except JournalError as error:
            self._seldom.warning("journal", "images that calls name wait: %s", error)
            return isinstance(error, JournalClosed)
        return True


def _refusal(reference: Reference, reason: DropReason) -> Upload:
    return Upload(reference.trace_id, reference.span_id, refused=reason, index=reference.index)

"""Which images of a call its Table row shows."""

from msgspec.structs import replace

from spanwand.config import MediaConfig
from spanwand.drops import DropReason, Drops
from spanwand.record import Clean, Generation

_CONTENT_FILTER = "content_filter"
_MAX_WAITING_BYTES = 32 << 20


class Shown:
    """Decides call by call, and counts what is not shown. Rows that wait hold 32 MiB of images at most."""

    def __init__(self, config: MediaConfig, drops: Drops) -> None:
        self._config = config
        self._drops = drops
        self._waiting_bytes = 0

    def rows_handed_over(self) -> None:
        """No row waits any more."""
        self._waiting_bytes = 0

    def __call__(self, call: Clean) -> Clean:
        """The call with the images that its row shows."""
        if not call.media:
            return call
        if self._config.withhold_flagged and is_flagged(call):
            self._drops[DropReason.MEDIA_WITHHELD] += len(call.media)
            return replace(call, media=())
        shown = call.media[: self._config.max_per_call]
        waiting_bytes = self._waiting_bytes + sum(len(media.jpeg) for media in shown)
        if waiting_bytes > _MAX_WAITING_BYTES:
            shown = ()
        else:
            self._waiting_bytes = waiting_bytes
        self._drops[DropReason.MEDIA_OVER_LIMIT] += len(call.media) - len(shown)
        return replace(call, media=shown)


def is_flagged(call: Generation) -> bool:
    """A safety checker flagged an image, or the provider's filter stopped the call."""
    flagged = call.image.safety_flagged if call.image else None
    return bool(flagged) or _CONTENT_FILTER in call.finish_reasons

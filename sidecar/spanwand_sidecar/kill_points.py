"""Where the fault harness ends the process as `kill -9` would: `SPANWAND_KILL_AT=<point>[:<n>]`, at the nth passing.

For tests/faults only. Unset, as it is anywhere else, a place costs one comparison.
"""

import os
import signal
from typing import Literal

KillPoint = Literal[
    "segment_opened",
    "segment_written",
    "segment_named",
    "frames_written",
    "frames_synced",
    "segment_deleted",
    "tail_seen",
    "tail_to_cut",
    "tail_cut",
    "file_drafted",
    "file_replaced",
    "batch_written",
    "batch_committed",
]
"""All of them, in the order in which they are met."""

VARIABLE = "SPANWAND_KILL_AT"
_chosen, _, _count = os.environ.get(VARIABLE, "").partition(":")
_times_left = int(_count or 1)


def kill_point(name: KillPoint) -> None:
    """End the process here, if this is the place and the time that was asked for."""
    if _chosen and name == _chosen:
        _die_in_time()


def _die_in_time() -> None:
    global _times_left
    _times_left -= 1
    if _times_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

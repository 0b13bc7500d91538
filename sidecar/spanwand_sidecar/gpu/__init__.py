"""The thread that reads the GPUs.

reader -> ticker -> GPU_SAMPLES frames of the journal -> the line
"""

from collections.abc import Callable

from spanwand.config import GpuConfig
from spanwand.gpu import READERS
from spanwand_sidecar.gpu.ticker import Ticker
from spanwand_sidecar.journal import FrameKind, Journal


def open_ticker(config: GpuConfig, journal: Journal, is_awaited: Callable[[], bool]) -> Ticker | None:
    """What reads the GPUs into a journal, not started; None if that is switched off. Raises ConfigError."""
    if config.reader == "off":
        return None
    return Ticker(
        READERS[config.reader](config),
        config.interval_s,
        lambda body: journal.submit(FrameKind.GPU_SAMPLES, body, lambda _: None),
        is_awaited,
    )

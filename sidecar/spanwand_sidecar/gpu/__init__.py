"""Readers of GPUs by name, and the thread that reads them.

reader -> ticker -> GPU_SAMPLES frames of the journal -> the line
"""

from collections.abc import Callable, Mapping

from spanwand.config import GpuConfig
from spanwand.gpu.nvml import NvmlReader
from spanwand.gpu.reader import GpuReader
from spanwand_sidecar.gpu.scripted import ScriptedReader, load_script
from spanwand_sidecar.gpu.ticker import Ticker
from spanwand_sidecar.journal import FrameKind, Journal

READERS: Mapping[str, Callable[[GpuConfig], Callable[[], GpuReader]]] = {
    "nvml": lambda _: NvmlReader,
    "auto": lambda _: NvmlReader,
    "scripted": lambda config: ScriptedReader(load_script(config.script)).again,
}
"""What opens each, made from the configuration; a bad one is a ConfigError now. Opening may raise GpuUnavailable."""


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

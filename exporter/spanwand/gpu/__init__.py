"""Readers of GPUs by name: of the daemon, and of an app whose sidecar cannot see the devices."""

from collections.abc import Callable, Mapping

from spanwand.config import GpuConfig
from spanwand.gpu.nvml import NvmlReader
from spanwand.gpu.reader import GpuReader


def _scripted(config: GpuConfig) -> Callable[[], GpuReader]:
    from spanwand.gpu.scripted import ScriptedReader, load_script

    return ScriptedReader(load_script(config.script)).again


READERS: Mapping[str, Callable[[GpuConfig], Callable[[], GpuReader]]] = {
    "nvml": lambda _: NvmlReader,
    "auto": lambda _: NvmlReader,
    "scripted": _scripted,
}
"""What opens each, made from the configuration; a bad one is a ConfigError now. Opening may raise GpuUnavailable."""

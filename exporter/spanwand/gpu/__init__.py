"""Readers of GPUs by name: of the daemon, and of an app whose sidecar cannot see the devices."""

from collections.abc import Callable, Mapping

from spanwand.config import GpuConfig
from spanwand.gpu.nvml import NvmlReader
from spanwand.gpu.reader import GpuReader
from spanwand.gpu.scripted import ScriptedReader, load_script

READERS: Mapping[str, Callable[[GpuConfig], Callable[[], GpuReader]]] = {
    "nvml": lambda _: NvmlReader,
    "auto": lambda _: NvmlReader,
    "scripted": lambda config: ScriptedReader(load_script(config.script)).again,
}
"""What opens each, made from the configuration; a bad one is a ConfigError now. Opening may raise GpuUnavailable."""

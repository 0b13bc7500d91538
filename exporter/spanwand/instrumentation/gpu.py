"""Reads the GPUs inside an app that runs under `opentelemetry-instrument`, if it is asked to (docs/gpu.md)."""

import logging
import os
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # has no types

if TYPE_CHECKING:
    from spanwand.gpu.app import AppGpus, Send

VARIABLE = "SPANWAND_APP_GPUS"
_YES = ("1", "true", "yes", "on")
_log = logging.getLogger(__name__)


class GpuInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # likewise
    """Reads GPUs and sends them as OTLP metrics, from `instrument()` to `uninstrument()`, if the variable says so."""

    _gpus: "AppGpus | None" = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """None: the driver is looked for when it starts, and later again."""
        return ()

    def _instrument(self, **_: Any) -> None:
        if os.environ.get(VARIABLE, "").lower() in _YES:
            self._gpus = _started()

    def _uninstrument(self, **_: Any) -> None:
        gpus, self._gpus = self._gpus, None
        if gpus:
            gpus.stop()


def _started() -> "AppGpus | None":
    """Everything is imported here: every instrumented app imports this module, few ask for their GPUs."""
    from spanwand.errors import ConfigError
    from spanwand.gpu import READERS
    from spanwand.gpu.app import AppGpus
    from spanwand.in_process_config import read_config

    try:
        config = read_config(os.environ).gpu
        if config.reader == "off":
            return None
        gpus = AppGpus(READERS[config.reader](config), _sender, config.interval_s)
    except ConfigError as error:
        _log.error("spanwand: %s; no GPUs are read", error)  # the message is all there is to say
        return None
    gpus.start()
    return gpus


def _sender() -> "Send":
    """What sends in the name of the service whose spans the app sends."""
    from opentelemetry.sdk.resources import Resource

    from spanwand.gpu.app_metrics import GpuMetrics, otlp_exporter

    resource = getattr(trace.get_tracer_provider(), "resource", None)
    return GpuMetrics(otlp_exporter(), resource if isinstance(resource, Resource) else Resource.create()).send

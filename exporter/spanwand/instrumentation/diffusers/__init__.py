"""Spans of Hugging Face `diffusers` pipelines: `docs/diffusers.md`.

Every class of pipeline is watched: those that are imported now, those that will be, and the app's own. `diffusers` and
`torch` are not imported here, nor by `instrument()`: what is to be watched is put in place once the app imports them.
"""

import os
from collections.abc import Collection
from functools import partial
from typing import Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # has no types
from opentelemetry.trace import get_tracer

from spanwand import __version__
from spanwand.instrumentation.content import captures_content
from spanwand.instrumentation.diffusers.call import Settings
from spanwand.instrumentation.diffusers.watch import WATCHED
from spanwand.instrumentation.families import watch_once_imported
from spanwand.instrumentation.guard import guarded
from spanwand.instrumentation.images import VARIABLE, ImageSender
from spanwand.instrumentation.patches import Patches

_MODULE, _BASE = "diffusers.pipelines.pipeline_utils", "DiffusionPipeline"


class DiffusersInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # likewise
    """Watches pipelines from `instrument()` to `uninstrument()`, which leaves every class as it was."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Older ones have neither `_execution_device` nor the progress bar that all loops drive."""
        return ("diffusers >= 0.30",)

    def _instrument(self, **kwargs: Any) -> None:
        tracer = get_tracer(__name__, __version__, kwargs.get("tracer_provider"))
        settings = Settings(tracer, captures_content(), _sender(kwargs.get("media_endpoint")))
        self._patches = patches = Patches()
        wrappers = {name: partial(watch, settings=settings, patches=patches) for name, watch in WATCHED.items()}
        watch_once_imported(_MODULE, _BASE, wrappers, patches)

    def _uninstrument(self, **_: Any) -> None:
        self._patches.restore()


@guarded
def _sender(endpoint: str | None) -> ImageSender | None:
    """What takes pictures, if they were asked for."""
    endpoint = endpoint or os.environ.get(VARIABLE)
    return ImageSender(endpoint) if endpoint else None

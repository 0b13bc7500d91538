"""Spans of Hugging Face `diffusers` pipelines: `docs/diffusers.md`.

Every class of pipeline is watched: those that are imported now, those that will be, and the app's own. `diffusers` and
`torch` are not imported here, nor by `instrument()`: what is to be watched is put in place once the app imports them.
"""

import os
from collections.abc import Collection, Iterator
from types import ModuleType
from typing import Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # has no types
from opentelemetry.trace import get_tracer
from wrapt import register_post_import_hook

from spanwand import __version__
from spanwand.instrumentation.content import captures_content
from spanwand.instrumentation.diffusers.call import Settings
from spanwand.instrumentation.diffusers.watch import WATCHED
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

        @guarded
        def watch(module: ModuleType) -> None:
            if patches.active:
                watch_classes(getattr(module, _BASE), settings, patches)

        register_post_import_hook(watch, _MODULE)

    def _uninstrument(self, **_: Any) -> None:
        self._patches.restore()


def watch_classes(base: type[Any], settings: Settings, patches: Patches) -> None:
    """Watch a class and all below it, now and later."""
    own = vars(base).get("__init_subclass__")

    @guarded
    def watch(cls: type) -> None:
        for name in WATCHED.keys() & vars(cls).keys():
            patches.replace(cls, name, WATCHED[name](vars(cls)[name], settings, patches))

    def watch_subclass(cls: type[Any], /, **kwargs: Any) -> None:
        inherited = own.__get__(None, cls) if own else super(base, cls).__init_subclass__
        inherited(**kwargs)
        if patches.active:
            watch(cls)

    for cls in dict.fromkeys(_family(base)):
        watch(cls)
    patches.replace(base, "__init_subclass__", classmethod(watch_subclass))


@guarded
def _sender(endpoint: str | None) -> ImageSender | None:
    """What takes pictures, if they were asked for."""
    endpoint = endpoint or os.environ.get(VARIABLE)
    return ImageSender(endpoint) if endpoint else None


def _family(base: type[Any]) -> Iterator[type[Any]]:
    yield base
    for below in base.__subclasses__():
        yield from _family(below)

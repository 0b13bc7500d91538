"""Spans of text generation with Hugging Face `transformers`, in the app's own process: `docs/transformers.md`.

What is watched is `generate` of models: all there are, whatever calls it. `transformers` is not imported here.
"""

from collections.abc import Collection
from functools import partial
from typing import Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # has no types
from opentelemetry.trace import get_tracer

from spanwand import __version__
from spanwand.instrumentation.families import Wrappers, watch_once_imported
from spanwand.instrumentation.patches import Patches
from spanwand.instrumentation.transformers.watch import watch_generate, watch_step

_MODULE, _BASE = "transformers.generation.utils", "GenerationMixin"


class TransformersInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # likewise
    """Watches models from `instrument()` to `uninstrument()`, which leaves every class as it was."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """Any that generates in a loop with `_has_unfinished_sequences`."""
        return ("transformers >= 4.40",)

    def _instrument(self, **kwargs: Any) -> None:
        tracer = get_tracer(__name__, __version__, kwargs.get("tracer_provider"))
        self._patches = patches = Patches()
        wrappers: Wrappers = {
            "generate": partial(watch_generate, tracer=tracer, patches=patches),
            "_has_unfinished_sequences": watch_step,
        }
        watch_once_imported(_MODULE, _BASE, wrappers, patches)

    def _uninstrument(self, **_: Any) -> None:
        self._patches.restore()

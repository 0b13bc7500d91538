"""What is put around the methods of pipelines. Outside of a watched call each of them only passes on."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import wraps
from typing import Any

from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import use_span

from spanwand.instrumentation.diffusers.call import Call, Settings, begin, end, fail, succeed
from spanwand.instrumentation.diffusers.progress import count_items, count_updates
from spanwand.instrumentation.patches import Patches

Method = Callable[..., Any]
_running: ContextVar[Call | None] = ContextVar("spanwand_diffusers_call", default=None)


def watch_call(method: Method, *, settings: Settings, patches: Patches) -> Method:
    """A span for each call; none for what a method calls by `super()`."""

    @wraps(method)
    def watched(pipeline: Any, *args: Any, **kwargs: Any) -> Any:
        outer = _running.get()
        is_same = outer is not None and outer.pipeline is pipeline
        if is_same or not patches.active or not is_instrumentation_enabled():
            return method(pipeline, *args, **kwargs)
        call = begin(settings, method, outer, (pipeline, *args), kwargs)
        return method(pipeline, *args, **kwargs) if call is None else _run(call, method, args, kwargs)

    return watched


def _run(call: Call, method: Method, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    token = _running.set(call)
    try:
        with use_span(call.span, record_exception=False, set_status_on_exception=False):
            output = method(call.pipeline, *args, **kwargs)
    except BaseException as error:
        fail(call, error)
        raise
    else:
        succeed(call, output)
        return output
    finally:
        _running.reset(token)
        end(call)


def watch_text(method: Method, **_: object) -> Method:
    """Note when prompts are encoded. Old pipelines have one such method around another."""

    @wraps(method)
    def watched(pipeline: Any, *args: Any, **kwargs: Any) -> Any:
        call = _running.get()
        if call is None or call.phases.encodes_text:
            return method(pipeline, *args, **kwargs)
        with call.phases.text():
            return method(pipeline, *args, **kwargs)

    return watched


def watch_loop(method: Method, **_: object) -> Method:
    """Note when a denoising loop begins, and each of its steps."""

    @wraps(method)
    def watched(pipeline: Any, *args: Any, **kwargs: Any) -> Any:
        call = _running.get()
        if call is None:
            return method(pipeline, *args, **kwargs)
        counted = count_items(call.phases, args, kwargs)
        if counted is not None:
            args, kwargs = counted
            return method(pipeline, *args, **kwargs)
        bar = method(pipeline, *args, **kwargs)
        count_updates(call.phases, bar)
        return bar

    return watched


def watch_device(found: property, **_: object) -> property:
    """Note where the pipeline computes, when it asks itself."""

    def watched(pipeline: Any) -> Any:
        device = found.__get__(pipeline)
        call = _running.get()
        if call is not None:
            call.device = device
        return device

    return property(watched, doc=found.__doc__)


WATCHED: Mapping[str, Callable[..., Any]] = {
    "__call__": watch_call,
    "encode_prompt": watch_text,
    "_encode_prompt": watch_text,
    "progress_bar": watch_loop,
    "_execution_device": watch_device,
}
"""What pipelines have in common, whichever class defines it."""

"""What is put around `generate`, and around the question that its loop asks before each step: is there more to do?

The answer waits for the device as it ever did, so the second question is asked when the first token is there, on a GPU
too: docs/transformers.md.
"""

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import wraps
from typing import Any

import msgspec
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, use_span

from spanwand.dialects.written import attributes
from spanwand.instrumentation.arguments import given
from spanwand.instrumentation.guard import guarded
from spanwand.instrumentation.patches import Patches
from spanwand.instrumentation.transformers.answered import answered
from spanwand.instrumentation.transformers.asked import asked, operation_of

Method = Callable[..., Any]
_WITH_FIRST_TOKEN = 2
"""The question that is asked when there is one."""


class Call(msgspec.Struct, kw_only=True):
    """A call of `generate` that is running. Its start is of `time.perf_counter_ns`."""

    model: Any
    arguments: Mapping[str, Any]
    span: Span
    start_ns: int
    questions: int = 0
    ttft_s: float | None = None


_running: ContextVar[Call | None] = ContextVar("spanwand_transformers_call", default=None)


def watch_generate(method: Method, *, tracer: Tracer, patches: Patches) -> Method:
    """A span for each call; none for what it calls itself, by `super()`, of its parts or of a model that assists."""

    @wraps(method)
    def watched(model: Any, *args: Any, **kwargs: Any) -> Any:
        if _running.get() is not None or not patches.active or not is_instrumentation_enabled():
            return method(model, *args, **kwargs)
        call = _begin(tracer, method, model, args, kwargs)
        return method(model, *args, **kwargs) if call is None else _run(call, method, args, kwargs)

    return watched


def watch_step(method: Method) -> Method:
    """Note when the first token is there. A model that assists asks as well, and is not listened to."""

    @wraps(method)
    def watched(model: Any, *args: Any, **kwargs: Any) -> Any:
        answer = method(model, *args, **kwargs)
        call = _running.get()
        if call is not None and (model is call.model or not _is_assisted(call)):
            call.questions += 1
            if call.questions == _WITH_FIRST_TOKEN:
                call.ttft_s = (time.perf_counter_ns() - call.start_ns) / 1e9
        return answer

    return watched


def _is_assisted(call: Call) -> bool:
    return call.arguments.get("assistant_model") is not None


@guarded
def _begin(tracer: Tracer, method: Method, model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call:
    arguments = given(method, (model, *args), kwargs)
    fields = asked(model, arguments)
    name = f"{operation_of(model)} {fields['request_model'] or ''}".strip()
    span = tracer.start_span(name, kind=SpanKind.INTERNAL, attributes=attributes(fields))
    return Call(model=model, arguments=arguments, span=span, start_ns=time.perf_counter_ns())


def _run(call: Call, method: Method, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    token = _running.set(call)
    try:
        with use_span(call.span, record_exception=False, set_status_on_exception=False):
            output = method(call.model, *args, **kwargs)
    except BaseException as error:
        _fail(call, error)
        raise
    else:
        _succeed(call, output)
        return output
    finally:
        _running.reset(token)
        guarded(call.span.end)()  # what the app does with spans may fail, too


@guarded
def _succeed(call: Call, output: Any) -> None:
    call.span.set_attributes(attributes({"timing.ttft_s": call.ttft_s}))
    call.span.set_attributes(attributes(answered(call.model, call.arguments, output)))


@guarded
def _fail(call: Call, error: BaseException) -> None:
    call.span.set_attributes(attributes({"hint.error_type": type(error).__qualname__}))
    call.span.set_status(StatusCode.ERROR, str(error))
    call.span.record_exception(error)

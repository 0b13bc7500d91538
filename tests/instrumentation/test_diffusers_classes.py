"""C3, P4: what watching leaves alone: results, classes, threads, and what others put around."""

import threading
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation
from tests.instrumentation.conftest import REASON, THREE, Spans, said

from spanwand.instrumentation.diffusers import DiffusersInstrumentor

diffusers = pytest.importorskip("diffusers", reason=REASON)
pytestmark = pytest.mark.filterwarnings("default")  # of the libraries' own warnings

import torch  # noqa: E402
from tests.instrumentation import tiny  # noqa: E402


def test_a_hook_that_fails_costs_its_field_only(instrumented: Spans, caplog: pytest.LogCaptureFixture) -> None:
    """C3: never raised into the app, and logged once."""

    class Odd(diffusers.DDIMPipeline):  # type: ignore[misc,name-defined]  # made when the class is
        @property
        def fused_loras(self) -> None:
            raise RuntimeError("odd")

    pipeline = tiny.quiet(Odd(**tiny.unconditional().components))
    for _ in range(2):
        pipeline(num_inference_steps=1)
        call = said(instrumented.call())
        assert (call["pipeline"], call["image_count"]) == ("Odd", 1)
        assert "loras" not in call
    assert [record.message for record in caplog.records if "failed" in record.message] == [
        "spanwand.instrumentation.diffusers.asked.loras failed;"
        " its part of the span is missing, and this is not said again"
    ]


def test_a_class_that_calls_its_parent_is_one_call(instrumented: Spans) -> None:
    """P5: pipelines of the app's own, defined after `instrument()`."""

    class Mine(diffusers.DDIMPipeline):  # type: ignore[misc,name-defined]
        def __call__(self, **kwargs: Any) -> Any:
            return super().__call__(**kwargs)

    tiny.quiet(Mine(**tiny.unconditional().components))(num_inference_steps=2)
    (call,) = instrumented.take()
    assert call.name == "image_generation"
    assert [event.name for event in call.events] == ["denoise", "decode"]


def test_phases_that_are_run_again_and_again_are_told_of_eight_times(instrumented: Spans) -> None:
    """P4: the durations are those of all."""

    class Often(diffusers.DDIMPipeline):  # type: ignore[misc,name-defined]
        def __call__(self, loops: int) -> Any:
            for _ in range(loops):
                list(self.progress_bar(range(1)))
            return [], None

    tiny.quiet(Often(**tiny.unconditional().components))(20)
    call = instrumented.call()
    assert [event.name for event in call.events] == ["denoise"] * 8 + ["decode"]
    assert said(call)["steps"] == 20


def test_threads_have_calls_of_their_own(instrumented: Spans) -> None:
    """P5."""
    pipelines = [tiny.unconditional() for _ in range(3)]
    threads = [
        threading.Thread(target=pipeline, kwargs={"num_inference_steps": steps})
        for steps, pipeline in enumerate(pipelines, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    calls = [span for span in instrumented.take() if span.parent is None]
    assert sorted(said(call)["steps"] for call in calls) == [1, 2, 3]


def test_suppressed_means_nothing(instrumented: Spans) -> None:
    with suppress_instrumentation():
        tiny.unconditional()(num_inference_steps=1)
    assert instrumented.take() == []


def test_uninstrumented_is_as_before() -> None:
    """P4: every class, its methods the very same objects."""

    def methods() -> dict[type, dict[str, Any]]:
        found, waiting = {}, [diffusers.DiffusionPipeline]
        while waiting:
            cls = waiting.pop()
            found[cls] = dict(vars(cls))
            waiting += cls.__subclasses__()
        return found

    _ = diffusers.StableDiffusionPipeline, diffusers.FluxPipeline
    before = methods()
    DiffusersInstrumentor().instrument(skip_dep_check=True)
    assert methods() != before
    DiffusersInstrumentor().uninstrument()
    assert methods() == before


def test_others_may_wrap_what_we_wrapped(instrumented: Spans) -> None:
    """P4: then ours stays below, and only passes on once it is uninstrumented."""
    pipeline, ours = tiny.unconditional(), diffusers.DDIMPipeline.__call__

    def theirs(*args: Any, **kwargs: Any) -> Any:
        return ours(*args, **kwargs)

    diffusers.DDIMPipeline.__call__ = theirs
    try:
        DiffusersInstrumentor().uninstrument()
        assert diffusers.DDIMPipeline.__call__ is theirs
        pipeline(num_inference_steps=1)
        assert instrumented.take() == []
    finally:
        diffusers.DDIMPipeline.__call__ = ours.__wrapped__
        DiffusersInstrumentor().instrument(tracer_provider=instrumented.provider, skip_dep_check=True)


def test_what_it_makes_is_the_same(spans: Spans) -> None:
    """C3: callbacks too, in their order, and what they change."""

    def run() -> tuple[Any, list[int]]:
        seen: list[int] = []

        def on_step_end(_: Any, step: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            seen.append(step)
            return {"latents": tensors["latents"] * 0.5}

        generator = torch.Generator().manual_seed(7)
        pipeline = tiny.stable_diffusion()
        output = pipeline(**THREE, generator=generator, output_type="np", callback_on_step_end=on_step_end)
        return output.images, seen

    plain, plain_steps = run()
    DiffusersInstrumentor().instrument(tracer_provider=spans.provider, skip_dep_check=True)
    watched, watched_steps = run()
    DiffusersInstrumentor().uninstrument()
    assert (plain == watched).all()
    assert plain_steps == watched_steps == [0, 1, 2]
    assert said(spans.call())["seed"] == 7

"""P4, C3: spans of real `diffusers` pipelines, of every family, with nothing changed in what they do."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import StatusCode
from tests.instrumentation.conftest import Spans

from spanwand.instrumentation.diffusers import DiffusersInstrumentor

diffusers = pytest.importorskip("diffusers", reason="torch is large: `make test-diffusers` installs it and runs these")
pytestmark = pytest.mark.filterwarnings("default")  # of the libraries' own warnings

import torch  # noqa: E402
from PIL import Image  # noqa: E402
from tests.instrumentation import tiny  # noqa: E402

IMAGE = Image.new("RGB", (tiny.SIDE_PX, tiny.SIDE_PX), (200, 10, 10))
MASK = Image.new("L", (tiny.SIDE_PX, tiny.SIDE_PX), 255)
THREE = {"prompt": "a fox", "num_inference_steps": 3}


@pytest.fixture
def instrumented(spans: Spans) -> Iterator[Spans]:
    DiffusersInstrumentor().instrument(tracer_provider=spans.provider, skip_dep_check=True)
    yield spans
    DiffusersInstrumentor().uninstrument()


def said(span: Any) -> dict[str, Any]:
    """Attributes, by the last part of their keys for short."""
    return {key.removeprefix("diffusion.").removeprefix("gen_ai."): value for key, value in span.attributes.items()}


FAMILIES: dict[str, tuple[Callable[[], Any], dict[str, Any], dict[str, Any]]] = {
    "text to image": (
        tiny.stable_diffusion,
        {**THREE, "num_images_per_prompt": 2},
        {"pipeline": "StableDiffusionPipeline", "image_count": 2, "request.choice.count": 2, "width": 64, "steps": 3},
    ),
    "image to image": (
        lambda: tiny.stable_diffusion(diffusers.StableDiffusionImg2ImgPipeline),
        {"prompt": "a fox", "image": IMAGE, "strength": 0.6, "num_inference_steps": 5},
        {"strength": 0.6, "steps": 3, "requested_steps": 3, "image_count": 1},
    ),
    "inpaint": (
        lambda: tiny.stable_diffusion(diffusers.StableDiffusionInpaintPipeline),
        {**THREE, "image": IMAGE, "mask_image": MASK, "height": 64, "width": 64},
        {"pipeline": "StableDiffusionInpaintPipeline", "steps": 3, "height": 64},
    ),
    "controlnet": (
        lambda: tiny.stable_diffusion(diffusers.StableDiffusionControlNetPipeline, controlnet=tiny.controlnet()),
        {**THREE, "image": IMAGE},
        {"pipeline": "StableDiffusionControlNetPipeline", "steps": 3},
    ),
    "sdxl": (
        tiny.sdxl,
        {**THREE, "height": 64, "width": 64, "output_type": "np", "guidance_scale": 3},
        {"pipeline": "StableDiffusionXLPipeline", "guidance_scale": 3, "width": 64, "height": 64, "image_count": 1},
    ),
    "sd3": (
        tiny.sd3,
        {**THREE, "height": 32, "width": 64, "output_type": "pt"},
        {"scheduler": "FlowMatchEulerDiscreteScheduler", "width": 64, "height": 32, "image_count": 1},
    ),
    "flux": (
        tiny.flux,
        {**tiny.flux_prompts(2), "num_inference_steps": 3, "height": 32, "width": 32, "return_dict": False},
        {"pipeline": "FluxPipeline", "guidance_scale": 3.5, "image_count": 2, "request.choice.count": 2, "width": 32},
    ),
    "video": (
        tiny.text_to_video,
        {**THREE, "num_frames": 2, "height": 32, "width": 32},
        {"operation.name": "video_generation", "image_count": 1, "width": 32, "steps": 3},
    ),
    "unconditional": (
        tiny.unconditional,
        {"batch_size": 2, "num_inference_steps": 3},
        {"pipeline": "DDIMPipeline", "image_count": 2, "request.choice.count": 2, "steps": 3},
    ),
    "latents": (tiny.stable_diffusion, {**THREE, "output_type": "latent"}, {"image_count": 0, "steps": 3}),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_one_call(instrumented: Spans, family: str) -> None:
    """P4: a span with what was asked for and what came of it, and a span for each phase, in order and within."""
    make, arguments, expected = FAMILIES[family]
    make()(**arguments)
    *phases, call = instrumented.take()
    assert {key: said(call).get(key) for key in expected} == expected
    assert call.parent is None
    assert call.status.status_code is StatusCode.UNSET
    assert call.name == said(call)["operation.name"]
    names = [span.name for span in phases]
    assert names == (["denoise", "decode"] if family == "unconditional" else ["text_encode", "denoise", "decode"])
    moments = [moment for span in phases for moment in (span.start_time, span.end_time)]
    assert [call.start_time, *moments, call.end_time] == sorted([call.start_time, *moments, call.end_time])
    assert all(span.parent.span_id == call.context.span_id for span in phases)
    assert said(call)["step_duration.p50"] <= said(call)["step_duration.max"] <= said(call)["denoise_duration"]


def test_pipelines_inside_a_pipeline_are_parts_of_its_call(instrumented: Spans) -> None:
    """P4, P5: a prior and a decoder have spans; the steps are those of both, the images are counted once."""
    tiny.kandinsky()("a fox", height=64, width=64, num_inference_steps=3, prior_num_inference_steps=2)
    found = instrumented.take()
    call = found[-1]
    parts = [span for span in found if span.parent and span.parent.span_id == call.context.span_id]
    assert [span.name for span in parts] == ["KandinskyV22PriorPipeline", "KandinskyV22Pipeline"]
    assert [said(span)["part.steps"] for span in parts] == [2, 3]
    assert (said(call)["steps"], said(call)["image_count"]) == (5, 1)
    assert not [key for span in parts for key in span.attributes if not key.startswith("diffusion.part.")]


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


def test_an_interrupted_call_says_so(instrumented: Spans) -> None:
    """P4: steps are those that ran; what came of it is an image all the same."""

    def stop(pipeline: Any, step: int, _: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        pipeline._interrupt = step == 1
        return tensors

    tiny.stable_diffusion()("a fox", num_inference_steps=5, callback_on_step_end=stop)
    call = said(instrumented.call())
    assert (call["steps"], call["requested_steps"], call["interrupted"], call["image_count"]) == (2, 5, True, 1)


@pytest.mark.parametrize("error", [ValueError("no room"), KeyboardInterrupt()])
def test_what_is_raised_is_told_and_raised(instrumented: Spans, error: BaseException) -> None:
    """P4: an error, or what breaks a call off."""

    def fail(_: Any, step: int, *__: Any) -> dict[str, Any]:
        if step == 1:
            raise error
        return {}

    with pytest.raises(type(error)) as raised:
        tiny.stable_diffusion()(**THREE, callback_on_step_end=fail)
    assert raised.value is error
    call = instrumented.call()
    assert call.status.status_code is StatusCode.ERROR
    assert call.attributes["error.type"] == type(error).__name__
    assert said(call)["steps"] == 1
    assert not {"image_count", "decode_duration", "interrupted"} & said(call).keys()


def test_a_call_with_wrong_arguments_fails_as_ever(instrumented: Spans) -> None:
    with pytest.raises(TypeError, match="no_such_argument"):
        tiny.unconditional()(no_such_argument=1)
    assert instrumented.call().attributes["error.type"] == "TypeError"


def test_a_prompt_in_a_message_is_a_prompt(instrumented: Spans) -> None:
    """P6: `diffusers` puts it there itself."""
    with pytest.raises(ValueError, match="a fox"):
        tiny.stable_diffusion()(**THREE, prompt_embeds=torch.zeros(1, 16, 32))
    call = instrumented.call()
    assert call.attributes["error.type"] == "ValueError"
    assert "fox" not in call.to_json()


@pytest.mark.parametrize(
    ("value", "is_captured"), [("", False), ("EVENT_ONLY", False), ("SPAN_ONLY", True), ("true", True)]
)
def test_prompts_only_if_asked(spans: Spans, monkeypatch: pytest.MonkeyPatch, value: str, is_captured: bool) -> None:
    """P6: OpenTelemetry's own variable."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", value)
    DiffusersInstrumentor().instrument(tracer_provider=spans.provider, skip_dep_check=True)
    tiny.stable_diffusion()(["a fox", "a dog"], negative_prompt=["wall", "wall"], num_inference_steps=1)
    DiffusersInstrumentor().uninstrument()
    call = said(spans.call())
    assert call.get("prompt") == ('["a fox", "a dog"]' if is_captured else None)
    assert ("negative_prompt" in call) is is_captured


def test_a_seed_only_if_it_makes_the_same_picture(instrumented: Spans) -> None:
    """P4: not of a generator that others have drawn from."""
    pipeline, generator = tiny.stable_diffusion(), torch.Generator().manual_seed(3)
    for expected in (3, None):
        pipeline(**THREE, generator=generator)
        assert said(instrumented.call()).get("seed") == expected


def test_images_that_a_safety_checker_withheld_are_counted(instrumented: Spans) -> None:
    """P4."""
    pipeline = tiny.stable_diffusion(
        safety_checker=tiny.strict_safety_checker(), feature_extractor=tiny.image_processor()
    )
    pipeline(**THREE, num_images_per_prompt=2)
    assert said(instrumented.call())["safety_flagged_count"] == 2


def test_adapters_and_offloading(instrumented: Spans) -> None:
    """P4."""
    from peft import LoraConfig

    pipeline = tiny.stable_diffusion()
    pipeline.unet.add_adapter(LoraConfig(r=1, target_modules=["to_q"]), "ink")
    pipeline.unet.enable_group_offload(torch.device("cpu"), offload_type="leaf_level")
    pipeline(**THREE)
    call = said(instrumented.call())
    assert (call["loras"], call["offload"], call["device"], call["dtype"]) == (("ink",), "group", "cpu", "float32")


def test_a_model_is_named_as_it_was_loaded(instrumented: Spans, tmp_path: Any) -> None:
    """P6: not by where it lies."""
    folder = tmp_path / "models--acme--tiny-fox" / "snapshots" / "0a1b"
    tiny.unconditional().save_pretrained(folder)
    tiny.quiet(diffusers.DDIMPipeline.from_pretrained(folder))(num_inference_steps=1)
    call = instrumented.call()
    assert call.name == "image_generation acme/tiny-fox"
    assert call.attributes["gen_ai.request.model"] == "acme/tiny-fox"


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
    assert [span.name for span in instrumented.take()] == ["denoise", "decode", "image_generation"]


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

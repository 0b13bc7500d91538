"""P4, C3: a real pipeline of every family is one call with its phases."""

from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from tests.instrumentation.conftest import REASON, THREE, Spans, said

diffusers = pytest.importorskip("diffusers", reason=REASON)
pytestmark = pytest.mark.filterwarnings("default")  # of the libraries' own warnings

from PIL import Image  # noqa: E402
from tests.instrumentation import tiny  # noqa: E402

IMAGE = Image.new("RGB", (tiny.SIDE_PX, tiny.SIDE_PX), (200, 10, 10))
MASK = Image.new("L", (tiny.SIDE_PX, tiny.SIDE_PX), 255)

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
    """P4: a span with what was asked for and what came of it, and an event for each phase, in order and within."""
    make, arguments, expected = FAMILIES[family]
    make()(**arguments)
    (call,) = instrumented.take()
    assert {key: said(call).get(key) for key in expected} == expected
    assert call.parent is None
    assert call.status.status_code is StatusCode.UNSET
    assert call.name == said(call)["operation.name"]
    names = [event.name for event in call.events]
    assert names == (["denoise", "decode"] if family == "unconditional" else ["text_encode", "denoise", "decode"])
    durations_s = [event.attributes["diffusion.phase_duration"] for event in call.events]
    assert durations_s == [said(call)[f"{name}_duration"] for name in names]
    starts_ns = [event.timestamp for event in call.events]
    moments = [(ns, ns + round(s * 1e9)) for ns, s in zip(starts_ns, durations_s, strict=True)]
    in_order = [call.start_time, *chain.from_iterable(moments), call.end_time]
    assert in_order == sorted(in_order)
    assert said(call)["step_duration.p50"] <= said(call)["step_duration.max"] <= said(call)["denoise_duration"]


def test_pipelines_inside_a_pipeline_are_parts_of_its_call(instrumented: Spans) -> None:
    """P4, P5: a prior and a decoder have spans; the steps are those of both, the images are counted once."""
    tiny.kandinsky()("a fox", height=64, width=64, num_inference_steps=3, prior_num_inference_steps=2)
    *parts, call = instrumented.take()
    assert {span.parent.span_id for span in parts} == {call.context.span_id}
    assert [span.name for span in parts] == ["KandinskyV22PriorPipeline", "KandinskyV22Pipeline"]
    assert [said(span)["part.steps"] for span in parts] == [2, 3]
    assert (said(call)["steps"], said(call)["image_count"]) == (5, 1)
    phases = [[event.name for event in span.events] for span in parts]
    assert phases == [["text_encode", "denoise", "decode"], ["denoise", "decode"]]
    assert not call.events
    assert not [key for span in parts for key in span.attributes if not key.startswith("diffusion.part.")]

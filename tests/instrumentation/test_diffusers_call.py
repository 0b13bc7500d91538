"""P4: what a call of a real pipeline says, and how it ends."""

from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from tests.instrumentation.conftest import REASON, THREE, Spans, said

diffusers = pytest.importorskip("diffusers", reason=REASON)
pytestmark = pytest.mark.filterwarnings("default")  # of the libraries' own warnings

import torch  # noqa: E402
from tests.instrumentation import tiny  # noqa: E402


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
    assert [event.name for event in call.events] == ["exception", "text_encode", "denoise"]
    assert said(call)["steps"] == 1
    assert not {"image_count", "decode_duration", "interrupted"} & said(call).keys()


def test_a_call_with_wrong_arguments_fails_as_ever(instrumented: Spans) -> None:
    with pytest.raises(TypeError, match="no_such_argument"):
        tiny.unconditional()(no_such_argument=1)
    assert instrumented.call().attributes["error.type"] == "TypeError"


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

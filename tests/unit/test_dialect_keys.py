"""Keys of dialects that no captured case holds, as the packages write them (P3, P4; peers 2.1, 2.2)."""

import json

import pytest
from tests.support.spans import CHAT, call

from spanwand.content import Content
from spanwand.operations import Operation
from spanwand.record import ImageParams, ServiceTier, Usage
from spanwand.span import AttributeValue

FILES = [{"type": "file", "mediaType": "image/png", "data": ""}, {"type": "file", "mimeType": "audio/mpeg", "data": ""}]
SETTINGS = {"openai_size": "1792x1024", "openai_quality": "hd", "openai_n": 2}
URLS = json.dumps({"data": [{"url": "a", "b64_json": None}, {"url": "b"}]})
"""What `dall-e-3` answers if nothing else is asked for."""
IMAGE: dict[str, AttributeValue] = {"gen_ai.operation.name": "image_generation", "gen_ai.request.model": "dall-e-3"}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"ai.operationId": "ai.generateText.doGenerate", "ai.response.files": json.dumps(FILES)},
            ImageParams(images=1),
        ),
        ({"openinference.span.kind": "LLM", "output.images": [{"image": {"url": "a"}}] * 3}, ImageParams(images=3)),
        ({"openinference.span.kind": "LLM", "output.value": URLS}, ImageParams(images=2)),
        ({"mlflow.spanType": '"LLM"', "mlflow.spanOutputs": URLS}, ImageParams(images=2)),
        (
            {**IMAGE, "image_count": 2, "image_generation_settings": json.dumps(SETTINGS)},
            ImageParams(images=2, width=1792, height=1024, quality="hd"),
        ),
        (
            {**IMAGE, "image_generation_settings": json.dumps({"dimensions": [1024, 1536]})},
            ImageParams(images=1, width=1024, height=1536),
        ),
    ],
)
def test_images(attributes: dict[str, AttributeValue], expected: ImageParams) -> None:
    made = call(attributes)
    assert (made.operation, made.image) == (Operation.IMAGE, expected)


def test_files_that_are_no_images_make_no_image_call() -> None:
    """A chat that answered with a sound."""
    made = call({"ai.operationId": "ai.generateText.doGenerate", "ai.response.files": json.dumps(FILES[1:])})
    assert made.operation is Operation.CHAT


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"ai.operationId": "ai.generateText.doGenerate", "ai.response.reasoning": "so"},
            Content(output="so"),
        ),
        (
            {"ai.operationId": "ai.generateText.doGenerate", "ai.response.text": "a", "ai.response.reasoning": "so"},
            Content(output="a"),
        ),
        ({**IMAGE, "prompt": "a fox"}, Content(input="a fox")),
    ],
)
def test_content(attributes: dict[str, AttributeValue], expected: Content) -> None:
    assert call(attributes).content == expected


@pytest.mark.parametrize("key", ["ai.operationId", "gen_ai.operation.name"])
@pytest.mark.parametrize("operation", ["ai.generateSpeech", "ai.transcribe", "ai.streamTranscribe"])
def test_sounds_that_vercel_makes_have_one_span(key: str, operation: str) -> None:
    """`@ai-sdk/otel`: there is no `doGenerate` below it."""
    assert call({key: operation, "gen_ai.request.model": "tts-1"}).operation is Operation.AUDIO


def test_the_tier_that_anthropics_sdk_names() -> None:
    """It changes the price."""
    made = call({**CHAT, "gen_ai.request.model": "claude-haiku-4-5", "anthropic.response.service_tier": "priority"})
    assert made.params.service_tier is ServiceTier.PRIORITY


def test_the_picture_as_it_was_made() -> None:
    """OpenLIT writes what was asked for as well: `auto`, which has no price."""
    asked = {"gen_ai.request.image_quality": "auto", "gen_ai.request.image_size": "auto"}
    made = call({**IMAGE, **asked, "gen_ai.response.image_quality": "hd", "gen_ai.response.image_size": "512x768"})
    assert made.image == ImageParams(images=1, width=512, height=768, quality="hd")


def test_parts_of_an_agents_usage() -> None:
    """Pydantic AI: it counts where calls below it left no span."""
    parts = {"cache_read.input_tokens": 6, "cache_creation.input_tokens": 2, "details.reasoning_tokens": 1}
    sums = {
        f"gen_ai.aggregated_usage.{name}": count
        for name, count in {**parts, "input_tokens": 9, "output_tokens": 3}.items()
    }
    assert call({"gen_ai.operation.name": "invoke_agent", **sums}).usage == Usage(
        input_tokens=9, output_tokens=3, cached_input_tokens=6, cache_write_input_tokens=2, reasoning_output_tokens=1
    )


def test_prompts_and_threads() -> None:
    linked = json.dumps([{"name": "panel", "version": "3"}, {"name": "style", "version": "1"}])
    made = call({**CHAT, "mlflow.spanType": '"CHAT_MODEL"', "mlflow.linkedPrompts": linked, "wandb.thread_id": "t"})
    assert (made.prompt_name, made.prompt_version, made.session_id) == ("panel", "3", "t")

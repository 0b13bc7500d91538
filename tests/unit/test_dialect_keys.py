"""Keys of dialects that no captured case holds, as the packages write them (P3, P4; peers 2.1, 2.2)."""

import json

import pytest
from tests.support.spans import CHAT, call

from spanwand.content import Content
from spanwand.operations import Operation
from spanwand.record import ImageParams
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


def test_prompts_and_threads() -> None:
    linked = json.dumps([{"name": "panel", "version": "3"}, {"name": "style", "version": "1"}])
    made = call({**CHAT, "mlflow.spanType": '"CHAT_MODEL"', "mlflow.linkedPrompts": linked, "wandb.thread_id": "t"})
    assert (made.prompt_name, made.prompt_version, made.session_id) == ("panel", "3", "t")

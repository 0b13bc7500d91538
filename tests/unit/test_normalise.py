"""Normalise: every version of the GenAI conventions, our own for diffusion, one record (P3, P4)."""

import pytest
from tests.support.spans import CHAT, call, span

from spanwand.normalise import Normalise
from spanwand.operations import Operation
from spanwand.record import Failure, ImageParams
from spanwand.span import AttributeValue, SpanEvent


def test_newest_names_of_the_conventions() -> None:
    generation = call(
        {
            **CHAT,
            "gen_ai.provider.name": "openai",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.response.id": "chatcmpl-1",
            "gen_ai.response.finish_reasons": ("stop", "length"),
            "gen_ai.response.time_to_first_chunk": 0.25,
            "gen_ai.conversation.id": "c1",
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 20,
            "gen_ai.usage.cache_read.input_tokens": 60,
            "gen_ai.usage.cache_write.input_tokens": 10,
            "gen_ai.usage.reasoning.output_tokens": 5,
            "gen_ai.request.temperature": 0.7,
            "gen_ai.request.stream": True,
            "gen_ai.prompt.name": "panel",
            "gen_ai.prompt.version": 3,
            "gen_ai.input.messages": "[]",
        }
    )
    assert generation.operation is Operation.CHAT
    assert (generation.dialect, generation.provider, generation.model) == ("gen_ai", "openai", "gpt-4o-2024-08-06")
    usage = generation.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens) == (100, 20, 60)
    assert (usage.cache_write_input_tokens, usage.reasoning_output_tokens) == (10, 5)
    assert generation.finish_reasons == ("stop", "length")
    assert generation.timing.ttft_s == 0.25
    assert (generation.params.temperature, generation.params.stream) == (0.7, True)
    assert (generation.session_id, generation.prompt_name, generation.prompt_version) == ("c1", "panel", "3")
    assert generation.content.input == "[]"
    assert generation.sources["usage.input_tokens"] == "gen_ai.usage.input_tokens"


def test_oldest_names_of_the_conventions() -> None:
    generation = call(
        {
            "gen_ai.system": "OpenAI",
            "gen_ai.request.model": "gpt-4",
            "gen_ai.usage.prompt_tokens": 7,
            "gen_ai.usage.completion_tokens": 2,
            "gen_ai.prompt": "hi",
            "gen_ai.completion": "ho",
        }
    )
    assert (generation.provider, generation.operation) == ("openai", Operation.CHAT)
    assert (generation.usage.input_tokens, generation.usage.output_tokens) == (7, 2)
    assert (generation.content.input, generation.content.output) == ("hi", "ho")
    assert generation.sources["provider"] == "gen_ai.system"


@pytest.mark.parametrize("turned", [False, True])
def test_two_names_for_one_field_most_trusted_wins_and_nothing_is_added(turned: bool) -> None:
    both: dict[str, AttributeValue] = {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.prompt_tokens": 5}
    generation = call({**CHAT, **dict(sorted(both.items(), reverse=turned))})
    assert generation.usage.input_tokens == 5
    assert generation.sources["usage.input_tokens"] == "gen_ai.usage.input_tokens"


def test_unusable_value_leaves_the_field_to_the_next_key() -> None:
    generation = call({**CHAT, "gen_ai.usage.input_tokens": -1, "gen_ai.usage.prompt_tokens": "12"})
    assert generation.usage.input_tokens == 12
    assert generation.sources["usage.input_tokens"] == "gen_ai.usage.prompt_tokens"


def test_absent_is_none_and_zero_is_zero() -> None:
    assert call(CHAT).usage.input_tokens is None
    assert call({**CHAT, "gen_ai.usage.input_tokens": 0}).usage.input_tokens == 0


def test_exclusive_counts_are_made_inclusive_and_said_so() -> None:
    """OpenLIT's Anthropic spans: 284 of 8038 (reference/oddities.md 5)."""
    generation = call(
        {
            **CHAT,
            "gen_ai.usage.input_tokens": 284,
            "gen_ai.usage.cache_read.input_tokens": 4767,
            "gen_ai.usage.cache_creation.input_tokens": 2987,
        }
    )
    assert generation.usage.input_tokens == 8038
    assert "exclusive" in generation.sources["usage.input_tokens"]


def test_cost_zero_means_that_there_was_no_price() -> None:
    """OpenLIT writes 0 for a model that is not in its file (reference/oddities.md 15)."""
    assert call({**CHAT, "gen_ai.usage.cost": 0}).cost.reported_usd is None
    assert call({**CHAT, "gen_ai.usage.cost": 0.2}).cost.reported_usd == 0.2


@pytest.mark.parametrize(
    ("sent", "provider"),
    [
        ("az.ai.inference", "azure.ai.inference"),
        ("OpenAI", "openai"),
        ("openai.chat", "openai"),
        ("vertex_ai", "gcp.vertex_ai"),
        ("MyCompany", "mycompany"),
    ],
)
def test_providers(sent: str, provider: str) -> None:
    assert call({"gen_ai.system": sent}).provider == provider


@pytest.mark.parametrize(
    ("attributes", "name", "operation"),
    [
        ({"gen_ai.operation.name": "generate_content"}, "", Operation.CHAT),
        ({"gen_ai.operation.name": "generate_content", "gen_ai.output.type": "image"}, "", Operation.IMAGE),
        ({"gen_ai.operation.name": "image"}, "", Operation.IMAGE),
        ({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gemini-2.5-flash-image"}, "", Operation.IMAGE),
        ({"gen_ai.operation.name": "chat", "gen_ai.request.model": "image-captioner"}, "", Operation.CHAT),
        ({"gen_ai.operation.name": "Embeddings"}, "", Operation.EMBEDDINGS),
        ({"gen_ai.operation.name": "execute_tool"}, "", Operation.TOOL),
        ({"gen_ai.operation.name": "plan"}, "", Operation.OTHER),
        ({"gen_ai.request.model": "gpt-4o"}, "", Operation.CHAT),
        ({"gen_ai.request.model": "text-embedding-3-small"}, "", Operation.EMBEDDINGS),
        ({"gen_ai.request.model": "m", "gen_ai.embeddings.dimension.count": 3}, "", Operation.EMBEDDINGS),
        ({"gen_ai.usage.output_tokens": 3}, "", Operation.CHAT),
        ({"gen_ai.usage.input_tokens": 3}, "embeddings m", Operation.EMBEDDINGS),
        ({"gen_ai.tool.name": "search"}, "", Operation.TOOL),
        ({"gen_ai.agent.name": "writer"}, "", Operation.AGENT),
        ({"gen_ai.system": "openai"}, "", Operation.OTHER),
        ({"diffusion.steps": 30}, "", Operation.IMAGE),
    ],
)
def test_operations(attributes: dict[str, AttributeValue], name: str, operation: Operation) -> None:
    assert call(attributes, name=name).operation is operation


def test_span_without_a_marker_is_no_model_call() -> None:
    assert Normalise()(span({"session.id": "s", "http.method": "GET"})) is None


def test_diffusion_and_gen_ai_keys_on_one_span_make_one_record() -> None:
    """P4: field by field; the more specific dialect names the record."""
    generation = call(
        {
            "gen_ai.operation.name": "image_generation",
            "gen_ai.provider.name": "diffusers",
            "gen_ai.request.model": "stabilityai/sdxl-turbo",
            "gen_ai.request.seed": 1,
            "diffusion.pipeline": "StableDiffusionXLPipeline",
            "diffusion.scheduler": "DDIM",
            "diffusion.steps": 30,
            "diffusion.guidance_scale": 7,
            "diffusion.width": 1024,
            "diffusion.height": 768,
            "diffusion.image_count": 4,
            "diffusion.seed": 42,
            "diffusion.strength": 0.5,
            "diffusion.loras": ("ink", "noir"),
            "diffusion.safety_flagged_count": 1,
            "diffusion.prompt": "a cat",
            "diffusion.negative_prompt": "a dog",
            "diffusion.denoise_duration": 2.5,
        }
    )
    assert generation.dialect == "diffusion"
    assert generation.image == ImageParams(
        images=4,
        width=1024,
        height=768,
        pipeline="StableDiffusionXLPipeline",
        steps=30,
        guidance_scale=7.0,
        scheduler="DDIM",
        seed=42,
        strength=0.5,
        loras=("ink", "noir"),
        safety_flagged=1,
    )
    assert generation.timing.denoise_s == 2.5
    assert (generation.content.input, generation.content.negative_prompt) == ("a cat", "a dog")
    assert generation.provider == "diffusers"


def test_image_call_of_an_api() -> None:
    image: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "image_generation",
        "gen_ai.request.image_size": "1792x1024",
        "gen_ai.request.image_quality": "hd",
        "gen_ai.request.seed": 9,
    }
    assert call(image).image == ImageParams(images=1, width=1792, height=1024, quality="hd", seed=9)
    asked = call({**image, "gen_ai.request.choice.count": 3})
    assert asked.image is not None
    assert asked.image.images == 3
    failed = call({**image, "error.type": "429"})
    assert failed.image is not None
    assert failed.image.images is None


def test_failures() -> None:
    event = SpanEvent("exception", 1, {"exception.type": "ValueError", "exception.message": "bad"})
    assert call(CHAT).failure is None
    assert call({**CHAT, "error.type": "timeout"}).failure == Failure("timeout")
    assert call(CHAT, status_is_error=True).failure == Failure("error")
    assert call(CHAT, status_is_error=True, events=(event,)).failure == Failure("ValueError", "bad")
    message = call({**CHAT, "error.type": "429"}, status_is_error=True, status_message="slow", events=(event,)).failure
    assert message == Failure("429", "slow")

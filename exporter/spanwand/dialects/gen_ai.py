"""The OpenTelemetry GenAI conventions, every version of them, and the `gen_ai.*` keys others have added.

Newest names first. What a key was called in which version: docs/dialects.md, generated from this table.
"""

from spanwand.dialects.parsers import (
    content,
    count,
    flag,
    integer,
    number,
    positive,
    positive_count,
    scalar_text,
    seconds,
    size,
    text,
    texts,
    word,
)
from spanwand.dialects.table import Dialect, Source, keys
from spanwand.operations import Operation
from spanwand.record import ServiceTier
from spanwand.span import AttributeValue

OPERATIONS = {
    "chat": Operation.CHAT,
    "generate_content": Operation.CHAT,
    "responses": Operation.CHAT,
    "message": Operation.CHAT,
    "text_completion": Operation.TEXT_COMPLETION,
    "completion": Operation.TEXT_COMPLETION,
    "embeddings": Operation.EMBEDDINGS,
    "embedding": Operation.EMBEDDINGS,
    "image_generation": Operation.IMAGE,
    "generate_image": Operation.IMAGE,
    "generate_images": Operation.IMAGE,
    "image_edit": Operation.IMAGE,
    "image": Operation.IMAGE,
    "video_generation": Operation.VIDEO,
    "video": Operation.VIDEO,
    "speech": Operation.AUDIO,
    "transcription": Operation.AUDIO,
    "audio": Operation.AUDIO,
    "rerank": Operation.RERANK,
    "retrieval": Operation.RETRIEVAL,
    "execute_tool": Operation.TOOL,
    "tool": Operation.TOOL,
    "invoke_agent": Operation.AGENT,
    "create_agent": Operation.AGENT,
    "agent": Operation.AGENT,
    "invoke_workflow": Operation.WORKFLOW,
    "workflow": Operation.WORKFLOW,
    "task": Operation.WORKFLOW,
}
"""Words for operations, in lower case. Any other word is `other`: not a model call that metrics could count."""

PROVIDERS = {
    "az.ai.inference": "azure.ai.inference",
    "azure_ai_inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "aws": "aws.bedrock",
    "aws_bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "gemini": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "moonshot": "moonshot_ai",
    "xai": "x_ai",
    "watsonx": "ibm.watsonx.ai",
}
"""Other spellings of the conventions' provider names. A name that is not here is kept, in lower case."""

SERVICE_TIERS = {
    "auto": ServiceTier.STANDARD,
    "default": ServiceTier.STANDARD,
    "standard": ServiceTier.STANDARD,
    "standard_only": ServiceTier.STANDARD,
    "on_demand": ServiceTier.STANDARD,
    "batch": ServiceTier.BATCH,
    "flex": ServiceTier.FLEX,
    "priority": ServiceTier.PRIORITY,
    "fast": ServiceTier.FAST,
}
"""Words for service tiers. Any other (`scale`, `reserved`) is `other`: paid beforehand, or not known."""

_INTERFACES = (".chat", ".responses", ".messages", ".completion", ".embedding", ".image")
"""What Vercel's AI SDK adds to a provider's name: `openai.chat`."""


def provider(value: AttributeValue) -> str | None:
    """Return a provider's name as the conventions spell it."""
    if not value or not isinstance(value, str):
        return None
    name = value.strip().lower()
    for interface in _INTERFACES:
        name = name.removesuffix(interface)
    return PROVIDERS.get(name, name)


_tier = word(SERVICE_TIERS, ServiceTier.OTHER)

GEN_AI = Dialect(
    name="gen_ai",
    markers=frozenset(
        {
            "gen_ai.operation.name",
            "gen_ai.provider.name",
            "gen_ai.system",
            "gen_ai.request.model",
            "gen_ai.response.model",
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.prompt_tokens",
            "gen_ai.usage.completion_tokens",
            "gen_ai.tool.name",
            "gen_ai.agent.name",
        }
    ),
    fields={
        "operation": keys(word(OPERATIONS, Operation.OTHER), "gen_ai.operation.name", "gen_ai.request.type"),
        "provider": (
            Source("gen_ai.provider.name", provider, "since 1.37"),
            Source("gen_ai.system", provider, "before 1.37"),
        ),
        "request_model": keys(text, "gen_ai.request.model"),
        "response_model": keys(text, "gen_ai.response.model"),
        "response_id": keys(text, "gen_ai.response.id"),
        "finish_reasons": keys(texts, "gen_ai.response.finish_reasons", "gen_ai.response.finish_reason"),
        "session_id": keys(scalar_text, "gen_ai.conversation.id", "gen_ai.session.id"),
        "user": keys(scalar_text, "gen_ai.user.id", "gen_ai.request.user", "gen_ai.user"),
        "prompt_name": keys(text, "gen_ai.prompt.name"),
        "prompt_version": keys(scalar_text, "gen_ai.prompt.version"),
        "usage.input_tokens": (
            Source("gen_ai.usage.input_tokens", count, "must include cached tokens; exclusive counts are recognised"),
            Source("gen_ai.usage.prompt_tokens", count, "before 1.27; vLLM, SGLang"),
        ),
        "usage.output_tokens": (
            Source("gen_ai.usage.output_tokens", count),
            Source("gen_ai.usage.completion_tokens", count, "before 1.27; vLLM, SGLang"),
        ),
        "usage.cached_input_tokens": (
            Source("gen_ai.usage.cache_read.input_tokens", count),
            Source("gen_ai.usage.cache_read_input_tokens", count, "OpenLLMetry"),
            Source("gen_ai.usage.cached_tokens", count, "vLLM, SGLang"),
            Source("gen_ai.usage.prompt_tokens_details.cached_tokens", count, "OpenLIT"),
        ),
        "usage.cache_write_input_tokens": (
            Source("gen_ai.usage.cache_write.input_tokens", count, "since September 2026"),
            Source("gen_ai.usage.cache_creation.input_tokens", count, "before"),
            Source("gen_ai.usage.cache_creation_input_tokens", count, "OpenLLMetry"),
            Source("gen_ai.usage.prompt_tokens_details.cache_creation_tokens", count, "OpenLIT"),
        ),
        "usage.reasoning_output_tokens": (
            Source("gen_ai.usage.reasoning.output_tokens", count),
            Source("gen_ai.usage.reasoning_tokens", count, "OpenLLMetry, OpenLIT"),
            Source("gen_ai.usage.completion_tokens_details.reasoning_tokens", count, "OpenLIT"),
        ),
        "usage.audio_input_tokens": keys(count, "gen_ai.usage.audio.input_tokens"),
        "usage.audio_output_tokens": (
            Source("gen_ai.usage.audio.output_tokens", count),
            Source("gen_ai.usage.completion_tokens_details.audio_tokens", count, "OpenLIT"),
        ),
        "usage.cached_audio_input_tokens": keys(count, "gen_ai.usage.audio.cache_read.input_tokens"),
        "usage.image_input_tokens": keys(count, "gen_ai.usage.image.input_tokens"),
        "usage.image_output_tokens": keys(count, "gen_ai.usage.image.output_tokens"),
        "usage.cached_image_input_tokens": keys(count, "gen_ai.usage.image.cache_read.input_tokens"),
        "timing.ttft_s": (
            Source("gen_ai.response.time_to_first_chunk", seconds, "s"),
            Source("gen_ai.client.operation.time_to_first_chunk", seconds, "s; Pydantic AI"),
            Source("gen_ai.server.time_to_first_token", seconds, "s; OpenLIT"),
            Source("gen_ai.latency.time_to_first_token", seconds, "s; vLLM, SGLang"),
        ),
        "timing.queue_s": (Source("gen_ai.latency.time_in_queue", seconds, "s; vLLM, SGLang"),),
        "params.temperature": keys(number, "gen_ai.request.temperature"),
        "params.top_p": keys(number, "gen_ai.request.top_p"),
        "params.max_tokens": keys(count, "gen_ai.request.max_tokens", "gen_ai.request.max_completion_tokens"),
        "params.seed": keys(integer, "gen_ai.request.seed"),
        "params.stream": keys(flag, "gen_ai.request.stream", "gen_ai.request.is_stream", "gen_ai.is_streaming"),
        "params.service_tier": (
            Source("openai.response.service_tier", _tier),
            Source("gen_ai.openai.response.service_tier", _tier, "before the GenAI conventions moved"),
            Source("openai.request.service_tier", _tier, "as asked for; `auto` is taken for the standard price"),
            Source("gen_ai.openai.request.service_tier", _tier, "before the GenAI conventions moved"),
        ),
        "image.images": (Source("image_count", count, "Pydantic AI, logfire"),),
        "image.width": (Source("gen_ai.image.width", positive_count, "px; traceAI"),),
        "image.height": (Source("gen_ai.image.height", positive_count, "px; traceAI"),),
        "image.quality": keys(
            text, "gen_ai.request.image.quality", "gen_ai.request.image_quality", "gen_ai.image.quality"
        ),
        "image.steps": (Source("gen_ai.image.steps", count, "traceAI"),),
        "image.guidance_scale": (Source("gen_ai.image.guidance_scale", number, "traceAI"),),
        "image.seed": (Source("gen_ai.image.seed", integer, "traceAI"),),
        "cost.reported_usd": (
            Source("gen_ai.usage.cost.amount", positive, "USD; proposed"),
            Source("gen_ai.usage.cost", positive, "USD; OpenLIT, where 0 means that it has no price"),
        ),
        "content.input": keys(content, "gen_ai.input.messages", "gen_ai.prompt", "gen_ai.content.prompt"),
        "content.output": keys(content, "gen_ai.output.messages", "gen_ai.completion", "gen_ai.content.completion"),
        "content.system": keys(content, "gen_ai.system_instructions"),
        "content.negative_prompt": (Source("gen_ai.image.negative_prompt", text, "traceAI"),),
        "hint.output_type": keys(text, "gen_ai.output.type"),
        "hint.tool": keys(text, "gen_ai.tool.name"),
        "hint.agent": keys(text, "gen_ai.agent.name"),
        "hint.dimensions": (Source("gen_ai.embeddings.dimension.count", count, "tells an embedding"),),
        "hint.size": keys(size, "gen_ai.request.image.size", "gen_ai.request.image_size", "gen_ai.image.size"),
        "hint.images_asked": keys(
            positive_count,
            "gen_ai.request.image.count",
            "gen_ai.request.choice.count",
            "gen_ai.request.n",
            "gen_ai.image.count",
        ),
    },
)

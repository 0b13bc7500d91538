"""The OpenTelemetry GenAI conventions, every version of them.

Newest names first. What a key was called in which version: docs/dialects.md, generated from this table.
"""

from spanwand.dialects.events import said
from spanwand.dialects.parsers import (
    content,
    count,
    flag,
    identifier,
    integer,
    length,
    number,
    numbers,
    positive,
    positive_count,
    reference,
    scalar_text,
    seconds,
    text,
)
from spanwand.dialects.table import Dialect, Source, inside, keys
from spanwand.dialects.vocabulary import finish_reasons, operation, provider, service_tier

_MESSAGE, _CHOICE = "event:gen_ai.*.message", "event:gen_ai.choice"
_DETAILS = "event:gen_ai.client.inference.operation.details"

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
    lists=frozenset({"gen_ai.prompt", "gen_ai.completion"}),
    events={
        "gen_ai.system.message": _MESSAGE,
        "gen_ai.user.message": _MESSAGE,
        "gen_ai.assistant.message": _MESSAGE,
        "gen_ai.tool.message": _MESSAGE,
        "gen_ai.choice": _CHOICE,
        "gen_ai.content.prompt": "event:gen_ai.content.prompt",
        "gen_ai.content.completion": "event:gen_ai.content.completion",
        "gen_ai.client.inference.operation.details": _DETAILS,
    },
    fields={
        "operation": keys(operation, "gen_ai.operation.name"),
        "provider": (
            Source("gen_ai.provider.name", provider, "since 1.37"),
            Source("gen_ai.system", provider, "before 1.37"),
        ),
        "request_model": keys(text, "gen_ai.request.model"),
        "response_model": keys(text, "gen_ai.response.model"),
        "response_id": keys(identifier, "gen_ai.response.id"),
        "finish_reasons": keys(finish_reasons, "gen_ai.response.finish_reasons"),
        "session_id": (
            Source("gen_ai.conversation.id", scalar_text),
            Source("wandb.thread_id", scalar_text, "Weave's name for it"),
        ),
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
        "usage.cached_input_tokens": keys(count, "gen_ai.usage.cache_read.input_tokens"),
        "usage.cache_write_input_tokens": (
            Source("gen_ai.usage.cache_write.input_tokens", count, "since September 2026"),
            Source("gen_ai.usage.cache_creation.input_tokens", count, "before"),
        ),
        "usage.cache_write_1h_input_tokens": (
            Source("anthropic.usage.cache_creation.ephemeral_1h_input_tokens", count, "Anthropic's SDK since 2.11"),
        ),
        "usage.reasoning_output_tokens": keys(count, "gen_ai.usage.reasoning.output_tokens"),
        "usage.audio_input_tokens": keys(count, "gen_ai.usage.audio.input_tokens"),
        "usage.audio_output_tokens": keys(count, "gen_ai.usage.audio.output_tokens"),
        "usage.cached_audio_input_tokens": keys(count, "gen_ai.usage.audio.cache_read.input_tokens"),
        "usage.image_input_tokens": keys(count, "gen_ai.usage.image.input_tokens"),
        "usage.image_output_tokens": keys(count, "gen_ai.usage.image.output_tokens"),
        "usage.cached_image_input_tokens": keys(count, "gen_ai.usage.image.cache_read.input_tokens"),
        "timing.ttft_s": (Source("gen_ai.response.time_to_first_chunk", seconds, "s"),),
        "params.temperature": keys(number, "gen_ai.request.temperature"),
        "params.top_p": keys(number, "gen_ai.request.top_p"),
        "params.max_tokens": keys(count, "gen_ai.request.max_tokens"),
        "params.seed": keys(integer, "gen_ai.request.seed", "gen_ai.openai.request.seed"),
        "params.stream": keys(flag, "gen_ai.request.stream"),
        "params.service_tier": (
            Source("openai.response.service_tier", service_tier),
            Source("gen_ai.openai.response.service_tier", service_tier, "before the GenAI conventions moved"),
            Source("anthropic.response.service_tier", service_tier, "Anthropic's SDK since 2.11"),
            Source("openai.request.service_tier", service_tier, "as asked for; `auto` is taken for the standard price"),
            Source("gen_ai.openai.request.service_tier", service_tier, "before the GenAI conventions moved"),
        ),
        "retrieval.documents": inside("gen_ai.retrieval.documents", length, "*"),
        "retrieval.scores": inside("gen_ai.retrieval.documents", numbers, "*/score"),
        "cost.reported_usd": (Source("gen_ai.usage.cost.amount", positive, "USD; proposed"),),
        "content.input": (
            Source("gen_ai.input.messages", content),
            Source("gen_ai.prompt", content, "before 1.37; also flattened"),
            Source("gen_ai.tool.call.arguments", content, "of a tool"),
            Source("gen_ai.retrieval.query.text", content, "of a retrieval"),
            Source(_DETAILS, content, "span event", at="events/0/gen_ai.input.messages"),
            Source(_MESSAGE, said, "span events, before 1.37"),
            Source("event:gen_ai.content.prompt", said, "span event, before 1.28"),
        ),
        "content.output": (
            Source("gen_ai.output.messages", content),
            Source("gen_ai.completion", content, "before 1.37; also flattened"),
            Source("gen_ai.tool.call.result", content, "of a tool"),
            Source("gen_ai.retrieval.documents", content, "of a retrieval"),
            Source(_DETAILS, content, "span event", at="events/0/gen_ai.output.messages"),
            Source(_CHOICE, said, "span events, before 1.37"),
            Source("event:gen_ai.content.completion", said, "span event, before 1.28"),
        ),
        "content.system": (
            Source("gen_ai.system_instructions", content),
            Source(_DETAILS, content, "span event", at="events/0/gen_ai.system_instructions"),
        ),
        "content.input_ref": (Source("gen_ai.input.messages_ref", reference, "URI; without its query"),),
        "content.output_ref": keys(reference, "gen_ai.output.messages_ref"),
        "content.system_ref": keys(reference, "gen_ai.system_instructions_ref"),
        "hint.output_type": keys(text, "gen_ai.output.type"),
        "hint.tool": keys(text, "gen_ai.tool.name"),
        "hint.agent": keys(text, "gen_ai.agent.name"),
        "hint.dimensions": (Source("gen_ai.embeddings.dimension.count", count, "tells an embedding"),),
        "hint.total_tokens": (Source("gen_ai.usage.total_tokens", count, "shows what the counts leave out"),),
        "hint.images_asked": keys(positive_count, "gen_ai.request.choice.count"),
    },
)

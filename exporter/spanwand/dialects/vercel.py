"""Vercel's AI SDK for JavaScript, versions 4 to 7: `ai.*`, of which newer ones write parts as `gen_ai.*` too.

A call makes two spans: what the app asked for (`ai.generateText`), and in it one per request to the model
(`ai.generateText.doGenerate`). Only those are model calls; the outer one carries their usage once more.
"""

from spanwand.dialects.events import first
from spanwand.dialects.parsers import (
    content,
    count,
    identifier,
    images_among,
    integer,
    milliseconds,
    number,
    scalar_text,
    text,
    word,
)
from spanwand.dialects.table import Dialect, Source, inside, keys
from spanwand.dialects.vocabulary import finish_reasons, provider
from spanwand.operations import Operation

_FIRST_CHUNK = "event:ai.stream.firstChunk"
_METADATA, _FILES = "ai.response.providerMetadata", "ai.response.files"
OPERATION_IDS = {
    "ai.generatetext.dogenerate": Operation.CHAT,
    "ai.streamtext.dostream": Operation.CHAT,
    "ai.generateobject.dogenerate": Operation.CHAT,
    "ai.streamobject.dostream": Operation.CHAT,
    "ai.embed.doembed": Operation.EMBEDDINGS,
    "ai.embedmany.doembed": Operation.EMBEDDINGS,
    "ai.rerank.dorerank": Operation.RERANK,
    "ai.generateimage.dogenerate": Operation.IMAGE,
    "ai.generatespeech.dogenerate": Operation.AUDIO,
    "ai.transcribe.dogenerate": Operation.AUDIO,
    **dict.fromkeys(("ai.generatespeech", "ai.transcribe", "ai.streamtranscribe"), Operation.AUDIO),
    "ai.toolcall": Operation.TOOL,
}
"""Ids of operations in lower case. Any other is a step around them."""

VERCEL = Dialect(
    name="vercel",
    markers=frozenset({"ai.operationId"}),
    signs=frozenset({"ai.model.id", "ai.toolCall.name"}),
    events={"ai.stream.firstChunk": _FIRST_CHUNK},
    scopes=("@ai-sdk/", "gen_ai"),
    fields={
        "operation": keys(word(OPERATION_IDS, Operation.WORKFLOW), "ai.operationId"),
        "provider": keys(provider, "gen_ai.provider.name", "gen_ai.system", "ai.model.provider"),
        "request_model": keys(text, "gen_ai.request.model", "ai.model.id"),
        "response_model": keys(text, "ai.response.model"),
        "response_id": keys(identifier, "ai.response.id"),
        "finish_reasons": keys(finish_reasons, "ai.response.finishReason"),
        "session_id": keys(scalar_text, "ai.telemetry.metadata.sessionId"),
        "user": keys(scalar_text, "ai.telemetry.metadata.userId"),
        "usage.input_tokens": (
            Source("ai.usage.inputTokens", count, "since version 5"),
            Source("ai.usage.promptTokens", count, "version 4"),
            Source("gen_ai.usage.input_tokens", count),
            Source("ai.usage.tokens", count, "embeddings"),
        ),
        "usage.output_tokens": keys(
            count, "ai.usage.outputTokens", "ai.usage.completionTokens", "gen_ai.usage.output_tokens"
        ),
        "usage.cached_input_tokens": (
            *keys(count, "ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"),
            *inside(_METADATA, count, "openai/cachedPromptTokens", "anthropic/cacheReadInputTokens"),
        ),
        "usage.cache_write_input_tokens": (
            *keys(count, "ai.usage.inputTokenDetails.cacheWriteTokens"),
            *inside(_METADATA, count, "anthropic/cacheCreationInputTokens"),
        ),
        "usage.reasoning_output_tokens": (
            *keys(count, "ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"),
            *inside(_METADATA, count, "openai/reasoningTokens"),
        ),
        "timing.ttft_s": (
            Source("ai.response.msToFirstChunk", milliseconds, "ms"),
            Source("ai.stream.msToFirstChunk", milliseconds, "ms; version 3"),
            Source(_FIRST_CHUNK, first, "span event"),
        ),
        "params.temperature": keys(number, "ai.settings.temperature"),
        "params.top_p": keys(number, "ai.settings.topP"),
        "params.max_tokens": keys(count, "ai.settings.maxOutputTokens", "ai.settings.maxTokens"),
        "params.seed": keys(integer, "ai.settings.seed"),
        "image.images": inside(_FILES, images_among, "*/mediaType", "*/mimeType"),
        "hint.total_tokens": keys(count, "ai.usage.totalTokens"),
        "content.input": keys(content, "ai.prompt.messages", "ai.prompt", "ai.toolCall.args", "ai.value", "ai.values"),
        "content.output": (
            *keys(content, "ai.response.text", "ai.response.object", "ai.response.toolCalls", "ai.toolCall.result"),
            *keys(content, _FILES, "ai.response.reasoning"),
        ),
        "hint.tool": keys(text, "ai.toolCall.name"),
    },
)

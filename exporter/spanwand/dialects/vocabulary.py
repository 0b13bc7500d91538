"""Closed vocabularies: the words of all dialects for operations, providers, finish reasons and service tiers."""

import re
from functools import lru_cache

from spanwand.dialects.parsers import texts, word
from spanwand.operations import Operation
from spanwand.record import ServiceTier
from spanwand.span import AttributeValue

OPERATIONS = {
    "chat": Operation.CHAT,
    "generate_content": Operation.CHAT,
    "responses": Operation.CHAT,
    "message": Operation.CHAT,
    "messages": Operation.CHAT,
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
    "ai.generatespeech": Operation.AUDIO,
    "ai.transcribe": Operation.AUDIO,
    "ai.streamtranscribe": Operation.AUDIO,
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
    "chain": Operation.WORKFLOW,
    "acompletion": Operation.CHAT,
    "aresponses": Operation.CHAT,
    "anthropic_messages": Operation.CHAT,
    "agenerate_content": Operation.CHAT,
    "agenerate_content_stream": Operation.CHAT,
    "atext_completion": Operation.TEXT_COMPLETION,
    "aembedding": Operation.EMBEDDINGS,
    "aimage_generation": Operation.IMAGE,
    "aimage_edit": Operation.IMAGE,
    "avideo_generation": Operation.VIDEO,
    "aspeech": Operation.AUDIO,
    "atranscription": Operation.AUDIO,
    "arerank": Operation.RERANK,
}
"""Words for operations, in lower case; those with an `a` in front are LiteLLM's, those with `ai.` Vercel's.

Any other word is `other`: not a model call that metrics could count.
"""

SPAN_KINDS = {
    "llm": Operation.CHAT,
    "chat_model": Operation.CHAT,
    "generation": Operation.CHAT,
    "embedding": Operation.EMBEDDINGS,
    "reranker": Operation.RERANK,
    "retriever": Operation.RETRIEVAL,
    "tool": Operation.TOOL,
    "agent": Operation.AGENT,
    "chain": Operation.WORKFLOW,
    "workflow": Operation.WORKFLOW,
    "task": Operation.WORKFLOW,
    "guardrail": Operation.OTHER,
    "evaluator": Operation.OTHER,
    "prompt": Operation.OTHER,
    "parser": Operation.OTHER,
    "memory": Operation.OTHER,
}
"""Words that many dialects have for the kind of a span. Any other (`span`, `UNKNOWN`) says nothing."""

PROVIDERS = {
    "az.ai.inference": "azure.ai.inference",
    "azure_ai_inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "aws": "aws.bedrock",
    "amazon-bedrock": "aws.bedrock",
    "amazon_bedrock": "aws.bedrock",
    "aws_bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "google.generative-ai": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "google.vertex": "gcp.vertex_ai",
    "google_vertexai": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "moonshot": "moonshot_ai",
    "openai_responses_llm": "openai",
    "xai": "x_ai",
    "watsonx": "ibm.watsonx.ai",
}
"""Other spellings of the conventions' provider names. A name that is not here is kept, in lower case: many
run models of their own. One too long for a name is `other`."""

FINISH_REASONS = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "end": "stop",
    "eos": "stop",
    "complete": "stop",
    "completed": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "incomplete": "length",
    "model_context_window_exceeded": "length",
    "content_filter": "content_filter",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
    "refusal": "content_filter",
    "safety": "content_filter",
    "image_safety": "content_filter",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
    "tool_call": "tool_call",
    "tool_calls": "tool_call",
    "tool_use": "tool_call",
    "function_call": "tool_call",
    "error": "error",
    "failed": "error",
    "cancelled": "error",
    "abort": "error",
    "malformed_function_call": "error",
    "compaction": "compaction",
}
"""The conventions' words for why a model stopped, by those of the providers. Any other is `other`."""

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

_LONGEST_PROVIDER, _LONGEST_MODEL = 64, 128
_IMAGE_MODEL = re.compile(r"(^|[/.-])(gpt-image|chatgpt-image|dall-e|imagen)-|-image(-(preview|generation)|$)")
_INTERFACES = (".chat", ".responses", ".messages", ".completion", ".embedding", ".image", ".speech", ".transcription")
"""What Vercel's AI SDK adds to a provider's name: `openai.chat`."""

operation = word(OPERATIONS, Operation.OTHER)
span_kind = word(SPAN_KINDS, None)
service_tier = word(SERVICE_TIERS, ServiceTier.OTHER)


_MAKERS = {
    "gpt-": "openai",
    "chatgpt-": "openai",
    "text-embedding-3-": "openai",
    "text-embedding-ada-": "openai",
    "dall-e-": "openai",
    "claude-": "anthropic",
    "gemini-": "gcp.gemini",
}
"""How names of models begin that only one provider gives, whoever serves them: Langfuse and others name no provider."""


@lru_cache(1024)
def maker(model: str) -> str:
    """The provider that a model's name gives away; empty if it does not."""
    return next((provider for begin, provider in _MAKERS.items() if model.startswith(begin)), "")


@lru_cache(1024)
def names_image_model(model: str) -> bool:
    """Whether a model makes images and nothing else, by its name: spans of Gemini's say only `generate_content`."""
    return bool(_IMAGE_MODEL.search(model[:_LONGEST_MODEL].lower()))


def provider(value: AttributeValue) -> str | None:
    """Return a provider's name as the conventions spell it."""
    if not value or not isinstance(value, str):
        return None
    if len(value) > _LONGEST_PROVIDER:
        return "other"
    name = value.strip().lower()
    for interface in _INTERFACES:
        name = name.removesuffix(interface)
    return PROVIDERS.get(name, name)


def finish_reasons(value: AttributeValue) -> tuple[str, ...] | None:
    """Return why a model stopped, a word for each answer it gave."""
    sent = texts(value)
    return tuple([_finish_reason(reason) for reason in sent]) if sent else None


def _finish_reason(reason: str) -> str:
    known = FINISH_REASONS.get(reason)
    if known:
        return known
    return FINISH_REASONS.get(reason.rpartition(".")[2].lower().replace("-", "_"), "other")

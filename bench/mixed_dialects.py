"""What other instrumentations than OpenTelemetry's write for a chat: keys with an index, JSON, the repr of a dict."""

import json
import random
from collections.abc import Callable

Attributes = dict[str, str | int | float | bool | list[str]]
QUESTION, ANSWER = "Draw the fox on the wall.", "Ink and wash: the fox looks down at the sleeping town."


def counts(rng: random.Random) -> tuple[int, int, int]:
    """Input, output and cached tokens."""
    asked = rng.randrange(50, 4_000)
    return asked, rng.randrange(1, 900), asked // 2


def openinference(rng: random.Random, response_id: str) -> Attributes:
    """Lists in keys with an index; the id in the JSON of the answer."""
    asked, answered, cached = counts(rng)
    parameters = json.dumps({"model": "gpt-4o-mini", "temperature": 0.7, "max_tokens": 1_024})
    return {
        "openinference.span.kind": "LLM",
        "llm.system": "openai",
        "llm.invocation_parameters": parameters,
        "llm.model_name": "gpt-4o-mini-2024-07-18",
        "input.value": json.dumps({"messages": [{"role": "user", "content": QUESTION}]}),
        "output.value": json.dumps({"id": response_id, "choices": [{"message": {"content": ANSWER}}]}),
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": "You draw comics.",
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.content": QUESTION,
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": ANSWER,
        "llm.token_count.prompt": asked,
        "llm.token_count.completion": answered,
        "llm.token_count.total": asked + answered,
        "llm.token_count.prompt_details.cache_read": cached,
    }


def openllmetry(rng: random.Random, response_id: str) -> Attributes:
    """Older versions, with indices under `gen_ai.prompt`."""
    asked, answered, cached = counts(rng)
    return {
        "gen_ai.system": "OpenAI",
        "llm.request.type": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.id": response_id,
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": QUESTION,
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": ANSWER,
        "gen_ai.completion.0.finish_reason": "stop",
        "gen_ai.usage.prompt_tokens": asked,
        "gen_ai.usage.completion_tokens": answered,
        "llm.usage.total_tokens": asked + answered,
        "gen_ai.usage.cache_read_input_tokens": cached,
    }


def langfuse(rng: random.Random, response_id: str) -> Attributes:
    """Usage, parameters and messages as JSON."""
    asked, answered, cached = counts(rng)
    usage = {"input": asked - cached, "output": answered, "input_cache_read": cached, "total": asked + answered}
    return {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "gpt-4o-mini-2024-07-18",
        "langfuse.observation.model.parameters": json.dumps({"temperature": 0.7, "max_tokens": 1_024}),
        "langfuse.observation.usage_details": json.dumps(usage),
        "langfuse.observation.input": json.dumps([{"role": "user", "content": QUESTION}]),
        "langfuse.observation.output": json.dumps({"role": "assistant", "content": ANSWER, "id": response_id}),
    }


def vercel(rng: random.Random, response_id: str) -> Attributes:
    """Version 5: its own keys, and parts again as `gen_ai.*`."""
    asked, answered, cached = counts(rng)
    return {
        "ai.operationId": "ai.streamText.doStream",
        "ai.model.provider": "openai.chat",
        "ai.model.id": "gpt-4o-mini",
        "gen_ai.system": "openai.chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "ai.prompt.messages": json.dumps([{"role": "user", "content": QUESTION}]),
        "ai.response.text": ANSWER,
        "ai.response.id": response_id,
        "ai.response.finishReason": "stop",
        "ai.response.msToFirstChunk": rng.randrange(50, 900),
        "ai.usage.inputTokens": asked,
        "ai.usage.outputTokens": answered,
        "ai.usage.totalTokens": asked + answered,
        "ai.usage.cachedInputTokens": cached,
        "gen_ai.usage.input_tokens": asked,
        "gen_ai.usage.output_tokens": answered,
    }


DIALECTS: tuple[Callable[[random.Random, str], Attributes], ...] = (openinference, openllmetry, langfuse, vercel)


def mixed(rng: random.Random, response_id: str) -> Attributes:
    """One of them."""
    return rng.choice(DIALECTS)(rng, response_id)

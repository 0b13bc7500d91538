"""The Anthropic messages API. Its input count excludes cached tokens, as the real one's does; not so the ledger's."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from starlette.requests import Request

from spanwand.record import Usage
from spanwand_sidecar.demo import answers
from spanwand_sidecar.demo.endpoints import deltas, identifier
from spanwand_sidecar.demo.ledger import Ledger
from spanwand_sidecar.demo.serve import serving
from tests.support.providers.conversation import Message, Said, said
from tests.support.providers.replies import Json, Reply, app, asked_to_fail

API_KEY = "sk-ant-stand-in"
MODELS = ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-sonnet-5-5")
ERRORS = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error", 529: "overloaded_error"}
THOUGHT = "The fox is small, the wall is high."


def messages(request: Request, body: Json, number: int) -> Reply:
    """`POST /v1/messages`."""
    status = refused(request, body)
    if status:
        code = ERRORS.get(status, "api_error")
        error = {"type": "error", "error": {"type": code, "message": "You asked for it."}, "request_id": "req_stand_in"}
        return Reply(model=body["model"], body=error, status=status, error_code=code)
    answer = with_cache_write(answered(body))
    whole = {
        "id": identifier("msg", body, number),
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": list(blocks(answer)),
        "stop_reason": "tool_use" if answer.calls else "end_turn",
        "stop_sequence": None,
        "usage": usage_json(answer.usage),
    }
    chunks = tuple(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events(whole))
    return Reply(
        model=body["model"],
        body=whole,
        usage=answer.usage,
        response_id=whole["id"],
        events=chunks if body.get("stream") else (),
    )


def refused(request: Request, body: Json) -> int | None:
    """The status of a refusal, or None. Older SDKs send the key as `x-api-key`, newer ones as a bearer token."""
    if API_KEY not in (request.headers.get("x-api-key"), request.headers.get("authorization", "")[len("Bearer ") :]):
        return 401
    return asked_to_fail(request) if body["model"] in MODELS else 404


def answered(body: Json) -> Said:
    """The answer to the conversation in a request."""
    system = [{"role": "system", "content": body["system"]}] if body.get("system") else []
    functions = [{"name": tool["name"], "parameters": tool["input_schema"]} for tool in body.get("tools") or ()]
    thinks = (body.get("thinking") or {}).get("type", "disabled") != "disabled"
    conversation = system + [message_of(message) for message in body["messages"]]
    return said(conversation, functions, thinks=thinks, limit=body["max_tokens"])


def message_of(message: Message) -> Message:
    """A message as a chat completion would say it: a tool's result is a message of its own role."""
    parts = message["content"] if isinstance(message["content"], list) else []
    results = [part["content"] for part in parts if part["type"] == "tool_result"]
    return {"role": "tool", "content": answers.text_of(results[0])} if results else message


def with_cache_write(answer: Said) -> Said:
    """Of a prompt that is partly cached, one block more is written to the cache."""
    written = answers.CACHE_BLOCK if answer.usage.cached_input_tokens else 0
    return Said(answer.text, answer.calls, msgspec.structs.replace(answer.usage, cache_write_input_tokens=written))


def blocks(answer: Said) -> Iterator[Message]:
    """What the answer consists of."""
    if answer.usage.reasoning_output_tokens:
        yield {"type": "thinking", "thinking": THOUGHT, "signature": "c2lnbmVk"}
    if answer.text:
        yield {"type": "text", "text": answer.text, "citations": None}
    for call in answer.calls:
        function = call["function"]
        identity = call["id"].replace("call_", "toolu_")
        yield {"type": "tool_use", "id": identity, "name": function["name"], "input": json.loads(function["arguments"])}


def usage_json(usage: Usage) -> dict[str, Any]:
    """Usage as the API spells it: input is what was neither read from the cache nor written to it."""
    read, written = usage.cached_input_tokens or 0, usage.cache_write_input_tokens or 0
    return {
        "input_tokens": (usage.input_tokens or 0) - read - written,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_output_tokens},
        "service_tier": "standard",
    }


def events(whole: Message) -> Iterator[Message]:
    """An answer as a stream: the first event counts one token of output, the last but one all of them."""
    usage = whole["usage"]
    begun = {**usage, "output_tokens": 1, "output_tokens_details": {"thinking_tokens": 0}}
    yield {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None, "usage": begun}}
    for index, block in enumerate(whole["content"]):
        yield {"type": "content_block_start", "index": index, "content_block": block | EMPTY[block["type"]]}
        for delta in block_deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    totals = {key: value for key, value in usage.items() if key not in {"cache_creation", "service_tier"}}
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": totals}
    yield {"type": "message_stop"}


EMPTY: Mapping[str, Message] = {
    "thinking": {"thinking": "", "signature": ""},
    "text": {"text": ""},
    "tool_use": {"input": {}},
}


def block_deltas(block: Message) -> Iterator[Message]:
    """The pieces of a block."""
    if block["type"] == "thinking":
        yield {"type": "thinking_delta", "thinking": block["thinking"]}
        yield {"type": "signature_delta", "signature": block["signature"]}
    elif block["type"] == "text":
        yield from ({"type": "text_delta", "text": delta["content"]} for delta in deltas(block["text"], ()))
    else:
        yield {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}


@contextmanager
def anthropic(ledger: Ledger) -> Iterator[Mapping[str, str]]:
    """Serve the Anthropic API."""
    with serving(app(ledger, {"/v1/messages": messages})) as url:
        yield {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": API_KEY}

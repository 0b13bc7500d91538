"""OpenAI's responses API: items instead of messages, whole or as a stream of events."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spanwand.record import Usage
from spanwand_sidecar.demo import answers
from spanwand_sidecar.demo.endpoints import CREATED, Reply, deltas, identifier

Item = dict[str, Any]


def responses(body: answers.Body, number: int) -> Reply:
    """`POST /v1/responses`: the same answer and counts as a chat completion of the same conversation."""
    asked = as_chat(body)
    calls = answers.tool_calls(asked)
    text = "" if calls else answers.chat_text(asked)
    usage = answers.chat_usage(asked, text, calls)
    whole = {
        "id": identifier("resp", body, number),
        "object": "response",
        "created_at": CREATED,
        "model": body["model"],
        "status": "completed",
        "output": list(output(text, calls, usage)),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": body.get("tools") or [],
        "usage": usage_json(usage),
    }
    chunks = tuple(events(whole, text)) if body.get("stream") else ()
    return Reply(body=whole, usage=usage, chunks=chunks)


def as_chat(body: answers.Body) -> dict[str, Any]:
    """The request as a chat completion would say it."""
    said = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
    system = [{"role": "system", "content": body["instructions"]}] if body.get("instructions") else []
    messages = [message_of(item) for item in said if item.get("type") != "reasoning"]
    tools = [{"type": "function", "function": tool} for tool in body.get("tools") or ()]
    limit = body.get("max_output_tokens")
    return {"model": body["model"], "messages": system + messages, "tools": tools, "max_completion_tokens": limit}


def message_of(item: Item) -> Item:
    """One input item as a chat message."""
    if item.get("type") == "function_call_output":
        return {"role": "tool", "content": item["output"]}
    return {"role": item.get("role", "assistant"), "content": item.get("content")}


def output(text: str, calls: Sequence[Item], usage: Usage) -> Iterator[Item]:
    """The items of an answer: what was thought, then what was said or which tool is called."""
    if usage.reasoning_output_tokens:
        yield {"type": "reasoning", "id": "rs_1", "summary": []}
    if text:
        part = {"type": "output_text", "text": text, "annotations": []}
        yield {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    for place, call in enumerate(calls, 1):
        function = call["function"]
        yield {"type": "function_call", "id": f"fc_{place}", "call_id": call["id"], "status": "completed", **function}


def usage_json(usage: Usage) -> Mapping[str, Any]:
    """Usage as the responses API spells it."""
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": (usage.input_tokens or 0) + (usage.output_tokens or 0),
        "input_tokens_details": {"cached_tokens": usage.cached_input_tokens},
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_output_tokens},
    }


def events(whole: Mapping[str, Any], text: str) -> Iterator[Mapping[str, Any]]:
    """An answer as the events of a stream, numbered."""
    for number, event in enumerate(unnumbered_events(whole, text)):
        yield {**event, "sequence_number": number}


def unnumbered_events(whole: Mapping[str, Any], text: str) -> Iterator[Item]:
    """Begin, items one by one, end; only the last event has the usage."""
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    for index, item in enumerate(whole["output"]):
        empty = {field: value for field, value in item.items() if field not in {"content", "arguments"}}
        blank: Item = {"content": []} if item["type"] == "message" else {"arguments": ""}
        opened = empty if item["type"] == "reasoning" else empty | blank | {"status": "in_progress"}
        yield {"type": "response.output_item.added", "output_index": index, "item": opened}
        at = {"output_index": index, "item_id": item["id"]}
        if item["type"] == "message":
            yield from text_events(text, item["content"][0], at | {"content_index": 0})
        if item["type"] == "function_call":
            yield {"type": "response.function_call_arguments.delta", "delta": item["arguments"], **at}
            yield {"type": "response.function_call_arguments.done", "arguments": item["arguments"], **at}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": whole}


def text_events(text: str, part: Item, at: Item) -> Iterator[Item]:
    """A text in pieces of a few words."""
    yield {"type": "response.content_part.added", "part": {**part, "text": ""}, **at}
    for delta in deltas(text, ()):
        yield {"type": "response.output_text.delta", "delta": delta["content"], "logprobs": [], **at}
    yield {"type": "response.output_text.done", "text": text, "logprobs": [], **at}
    yield {"type": "response.content_part.done", "part": part, **at}

"""The endpoints of the stand-in: request JSON in, response JSON and its counts out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from spanwand.record import NO_USAGE, Usage
from spanwand_sidecar.demo import answers
from spanwand_sidecar.demo.models import MODELS

CREATED = 1_790_000_000
WORDS_PER_CHUNK = 4
CHAT_SECONDS = 0.02
EMBEDDINGS_SECONDS = 0.005
IMAGE_SECONDS = 0.06


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A good answer before it is sent: the body, its counts, and its chunks if it was asked for as a stream."""

    body: Mapping[str, Any]
    usage: Usage = NO_USAGE
    images: int = 0
    seconds: float = 0.0
    chunks: tuple[Mapping[str, Any], ...] = ()


def identifier(prefix: str, body: answers.Body, number: int) -> str:
    """An id that is unique in this server and the same when the same calls are made again."""
    return f"{prefix}-{answers.fingerprint(body):08x}{number:06x}"


def chat(body: answers.Body, number: int) -> Reply:
    """`POST /v1/chat/completions`."""
    calls = answers.tool_calls(body)
    text = "" if calls else answers.chat_text(body)
    usage = answers.chat_usage(body, text, calls)
    head = {"id": identifier("chatcmpl", body, number), "created": CREATED, "model": body["model"]}
    if body.get("stream"):
        asked = (body.get("stream_options") or {}).get("include_usage")
        known = usage if asked else NO_USAGE
        return Reply(body=head, usage=known, seconds=CHAT_SECONDS, chunks=tuple(chat_chunks(head, text, calls, known)))
    message = {"role": "assistant", "content": text or None} | ({"tool_calls": calls} if calls else {})
    choice = {"index": 0, "message": message, "finish_reason": finish_reason(calls), "logprobs": None}
    whole = {"object": "chat.completion", "choices": [choice], "usage": answers.chat_usage_json(usage)}
    return Reply(body=head | whole, usage=usage, seconds=CHAT_SECONDS)


def finish_reason(calls: Sequence[object]) -> str:
    """Why the model stopped."""
    return "tool_calls" if calls else "stop"


def chat_chunks(
    head: Mapping[str, Any], text: str, calls: Sequence[Mapping[str, Any]], usage: Usage
) -> Iterator[Mapping[str, Any]]:
    """A chat answer in pieces of a few words; the usage, if it was asked for, in a last chunk without choices."""
    head = {**head, "object": "chat.completion.chunk"}
    for delta in deltas(text, calls):
        yield {**head, "choices": [{"index": 0, "delta": {"role": "assistant", **delta}}]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason(calls)}]}
    if usage != NO_USAGE:
        yield {**head, "choices": [], "usage": answers.chat_usage_json(usage)}


def deltas(text: str, calls: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """What each piece of a streamed answer adds."""
    words = text.split(" ") if text else []
    for at in range(0, len(words), WORDS_PER_CHUNK):
        yield {"content": (" " if at else "") + " ".join(words[at : at + WORDS_PER_CHUNK])}
    for index, call in enumerate(calls):
        yield {"tool_calls": [{"index": index, **call}]}


def embeddings(body: answers.Body, _number: int) -> Reply:
    """`POST /v1/embeddings`."""
    texts = [body["input"]] if isinstance(body["input"], str) else list(body["input"])
    dimensions = body.get("dimensions") or MODELS[body["model"]].dimensions
    count = sum(answers.tokens(text) for text in texts)
    data = [
        {"object": "embedding", "index": index, "embedding": answers.embedding(text, dimensions)}
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": count, "total_tokens": count}
    whole = {"object": "list", "model": body["model"], "data": data, "usage": usage}
    return Reply(body=whole, usage=Usage(input_tokens=count), seconds=EMBEDDINGS_SECONDS)


def images(body: answers.Body, _number: int) -> Reply:
    """`POST /v1/images/generations`."""
    count = body.get("n") or 1
    data = [{"b64_json": answers.picture(f"{body['prompt']} {i}", body.get("size", "1024x1024"))} for i in range(count)]
    return Reply(body={"created": CREATED, "data": data}, images=count, seconds=IMAGE_SECONDS)


Endpoints = Mapping[str, Callable[[answers.Body, int], Reply]]
"""What answers each path: a function of the request's body and the answer's number."""

ENDPOINTS: Endpoints = {
    "/v1/chat/completions": chat,
    "/v1/embeddings": embeddings,
    "/v1/images/generations": images,
}

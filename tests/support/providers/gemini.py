"""The Gemini API: its output count excludes thoughts, as the real one's does; the ledger's includes them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from starlette.requests import Request

from spanwand.record import Usage
from spanwand_sidecar.demo import answers
from spanwand_sidecar.demo.endpoints import deltas, identifier
from spanwand_sidecar.demo.ledger import Ledger
from spanwand_sidecar.demo.serve import serving
from tests.support.providers.conversation import Message, Said, said
from tests.support.providers.replies import Answer, Json, Reply, app, asked_to_fail

API_KEY = "gemini-stand-in"
THINKING = ("gemini-2.5-pro",)
PICTURE_TOKENS = 1290
SMALL = "64x64"
SCHEMAS = ("parametersJsonSchema", "parameters_json_schema", "parameters")
"""How versions of the SDK spell what a function takes."""
ERRORS = {401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}


def refusing(answer: Callable[[str, Json, int], Reply]) -> Answer:
    """Refuse a wrong key and what asks to fail; else give the model of the path to `answer`."""

    def answered(request: Request, body: Json, number: int) -> Reply:
        model = request.path_params["model"]
        status = asked_to_fail(request) if request.headers.get("x-goog-api-key") == API_KEY else 401
        if status is None:
            return answer(model, body, number)
        code = ERRORS.get(status, "UNKNOWN")
        error = {"error": {"code": status, "message": "You asked for it.", "status": code}}
        return Reply(model=model, body=error, status=status, error_code=code)

    return answered


def generate(model: str, body: Json, number: int) -> Reply:
    """`POST /v1beta/models/MODEL:generateContent`: a text, calls of functions or, of an image model, a picture."""
    answer, content = picture(body) if "-image" in model else words(model, body)
    whole: dict[str, Any] = {
        "candidates": [{"content": {"role": "model", "parts": content}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": usage_json(answer.usage),
        "modelVersion": model,
        "responseId": identifier("gemini", body, number),
    }
    images = sum("inlineData" in part for part in content)
    return Reply(model=model, body=whole, usage=answer.usage, images=images, response_id=whole["responseId"])


def words(model: str, body: Json) -> tuple[Said, list[Message]]:
    """A text, or calls of functions."""
    instruction = body.get("systemInstruction")
    system = [{"role": "system", "content": instruction["parts"]}] if instruction else []
    functions = [
        {"name": function["name"], "parameters": next((function[key] for key in SCHEMAS if key in function), {})}
        for tool in body.get("tools") or ()
        for function in tool["functionDeclarations"]
    ]
    conversation = system + [message_of(content) for content in body["contents"]]
    limit = body.get("generationConfig", {}).get("maxOutputTokens")
    answer = said(conversation, functions, thinks=model in THINKING, limit=limit)
    calls = [
        {"name": call["function"]["name"], "args": json.loads(call["function"]["arguments"])} for call in answer.calls
    ]
    return answer, [{"functionCall": call} for call in calls] or [{"text": answer.text}]


def message_of(content: Message) -> Message:
    """One content as a chat message: the response of a function is a message of its own role."""
    for part in content["parts"]:
        if "functionResponse" in part:
            return {"role": "tool", "content": " ".join(map(str, part["functionResponse"]["response"].values()))}
    return {"role": "assistant" if content.get("role") == "model" else "user", "content": content["parts"]}


def picture(body: Json) -> tuple[Said, list[Message]]:
    """One picture, counted as the API counts those of 1024 pixels; kept small because spans may hold it."""
    prompt = answers.text_of(body["contents"][-1]["parts"])
    usage = Usage(input_tokens=answers.tokens(prompt), output_tokens=PICTURE_TOKENS)
    part = {"inlineData": {"mimeType": "image/png", "data": answers.picture(prompt, SMALL)}}
    return Said("", (), usage), [part]


def usage_json(usage: Usage) -> dict[str, Any]:
    """Usage as the API spells it."""
    thoughts = usage.reasoning_output_tokens or 0
    spelled = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": (usage.output_tokens or 0) - thoughts,
        "totalTokenCount": (usage.input_tokens or 0) + (usage.output_tokens or 0),
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.input_tokens}],
    }
    cached = {"cachedContentTokenCount": usage.cached_input_tokens} if usage.cached_input_tokens else {}
    return spelled | cached | ({"thoughtsTokenCount": thoughts} if thoughts else {})


def stream(model: str, body: Json, number: int) -> Reply:
    """`POST …:streamGenerateContent`: the same in pieces, the usage so far with each."""
    reply = generate(model, body, number)
    (candidate,) = reply.body["candidates"]
    return Reply(
        model=model,
        body=reply.body,
        usage=reply.usage,
        response_id=reply.response_id,
        events=tuple(
            f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in chunks(reply.body, candidate["content"]["parts"])
        ),
    )


def chunks(whole: Json, parts: Sequence[Message]) -> Iterator[Message]:
    """An answer in pieces of a few words; only the last knows why it ended and all of the usage."""
    text = parts[0].get("text")
    pieces = [{"text": delta["content"]} for delta in deltas(text, ())] if text else list(parts)
    for place, piece in enumerate(pieces, 1):
        candidate: Message = {"content": {"role": "model", "parts": [piece]}, "index": 0}
        if place == len(pieces):
            yield {**whole, "candidates": [candidate | {"finishReason": "STOP"}]}
        else:
            so_far = {"promptTokenCount": whole["usageMetadata"]["promptTokenCount"], "candidatesTokenCount": place}
            yield {**whole, "candidates": [candidate], "usageMetadata": so_far}


def embed(model: str, body: Json, _number: int) -> Reply:
    """`POST …:batchEmbedContents`."""
    texts = [answers.text_of(request["content"]["parts"]) for request in body["requests"]]
    count = sum(map(answers.tokens, texts))
    vectors = [{"values": [round(len(text) / place, 6) for place in range(1, 9)]} for text in texts]
    whole = {"embeddings": vectors, "usageMetadata": {"promptTokenCount": count}}
    return Reply(model=model, body=whole, usage=Usage(input_tokens=count))


METHODS = {
    "generateContent": generate,
    "streamGenerateContent": stream,
    "batchEmbedContents": embed,
}


@contextmanager
def gemini(ledger: Ledger) -> Iterator[Mapping[str, str]]:
    """Serve the Gemini API."""
    paths = {
        f"/{version}/models/{{model}}:{method}": refusing(answer)
        for version in ("v1", "v1beta")
        for method, answer in METHODS.items()
    }
    with serving(app(ledger, paths)) as url:
        yield {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": API_KEY}

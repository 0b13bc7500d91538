"""The OpenAI API: the demo's stand-in, with what only instrumentations need (responses, token arrays, image tokens)."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from spanwand.record import Usage
from spanwand_sidecar.demo import answers
from spanwand_sidecar.demo.endpoints import CREATED, ENDPOINTS, Endpoints, Reply
from spanwand_sidecar.demo.ledger import Ledger
from spanwand_sidecar.demo.openai_api import API_KEY, OpenAIStandIn
from tests.support.providers.openai_responses import responses

IMAGE_TOKENS = 272
SMALL = "64x64"
"""Side lengths of every picture here, whatever was asked for: spans that hold pictures are kept in the repository."""


def chat(body: answers.Body, number: int) -> Reply:
    """`POST /v1/chat/completions`; older clients say `max_tokens`."""
    if "max_tokens" in body:
        body = {**body, "max_completion_tokens": body["max_tokens"]}
    return ENDPOINTS["/v1/chat/completions"](body, number)


def embeddings(body: answers.Body, _number: int) -> Reply:
    """`POST /v1/embeddings`: texts or arrays of tokens in, base64 or numbers out."""
    asked = body["input"] if isinstance(body["input"], list) and body["input"] else [body["input"]]
    inputs = [asked] if isinstance(asked[0], int) else asked
    count = sum(answers.tokens(text) if isinstance(text, str) else len(text) for text in inputs)
    dimensions = body.get("dimensions") or 8
    data = [
        {"object": "embedding", "index": index, "embedding": embedding(json.dumps(text), dimensions, body)}
        for index, text in enumerate(inputs)
    ]
    usage = {"prompt_tokens": count, "total_tokens": count}
    whole = {"object": "list", "model": body["model"], "data": data, "usage": usage}
    return Reply(body=whole, usage=Usage(input_tokens=count))


def embedding(text: str, dimensions: int, body: answers.Body) -> str | list[float]:
    """A vector in the encoding that was asked for."""
    if body.get("encoding_format") == "base64":
        return answers.embedding(text, dimensions)
    return [round(len(text) / (place + 8), 6) for place in range(dimensions)]


def images(body: answers.Body, _number: int) -> Reply:
    """`POST /v1/images/generations`, with the token counts that `gpt-image-1` answers."""
    count = body.get("n") or 1
    usage = Usage(input_tokens=answers.tokens(body["prompt"]), output_tokens=IMAGE_TOKENS * count)
    data = [{"b64_json": answers.picture(f"{body['prompt']} {place}", SMALL)} for place in range(count)]
    whole = {"created": CREATED, "data": data, "size": "1024x1024", "quality": "medium", "output_format": "png"}
    if body["model"] != "gpt-image-1":
        return Reply(body=whole, images=count)
    return Reply(body=whole | {"usage": images_usage_json(usage)}, usage=usage, images=count)


def images_usage_json(usage: Usage) -> Mapping[str, Any]:
    """Usage as the images API spells it."""
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": (usage.input_tokens or 0) + (usage.output_tokens or 0),
        "input_tokens_details": {"text_tokens": usage.input_tokens, "image_tokens": 0},
    }


MORE: Endpoints = {
    **ENDPOINTS,
    "/v1/chat/completions": chat,
    "/v1/responses": responses,
    "/v1/embeddings": embeddings,
    "/v1/images/generations": images,
}


@contextmanager
def openai(ledger: Ledger) -> Iterator[Mapping[str, str]]:
    """Serve the OpenAI API."""
    with OpenAIStandIn(pace=0, ledger=ledger, endpoints=MORE).serving() as url:
        yield {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": API_KEY}

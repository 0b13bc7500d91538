"""A stand-in of the OpenAI API on loopback: real HTTP for the real SDK, answers and counts known in advance.

Failures come by what the request says, as they do from the real one: a wrong key (401), an unknown model (404), a
prompt against the content policy (400). Tests ask for others with the header `x-fail: STATUS[xATTEMPTS]`.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from spanwand_sidecar.demo import answers
from spanwand_sidecar.demo.endpoints import ENDPOINTS, Endpoints, Reply
from spanwand_sidecar.demo.ledger import Answered, Ledger
from spanwand_sidecar.demo.models import MODELS
from spanwand_sidecar.demo.serve import serving

API_KEY = "sk-stand-in"
FORBIDDEN_WORDS: Mapping[str, tuple[str, ...]] = {
    "/v1/chat/completions": ("gore",),
    "/v1/images/generations": ("gore", "blood"),
}


class Refusal(msgspec.Struct, frozen=True):
    """An error answer, as the API words it."""

    status: int
    code: str
    message: str

    def response(self) -> Response:
        """The JSON body, with a hint that keeps the SDK from waiting half a second before it tries again."""
        error = {"message": self.message, "type": "invalid_request_error", "param": None, "code": self.code}
        return JSONResponse({"error": error}, self.status, {"retry-after-ms": "5"})


def asked_to_fail(request: Request) -> Refusal | None:
    """`x-fail: 429` fails always, `x-fail: 429x1` only the first attempt of the SDK."""
    status, _, attempts = request.headers.get("x-fail", "").partition("x")
    if not status or int(request.headers.get("x-stainless-retry-count", 0)) >= int(attempts or 1_000):
        return None
    return Refusal(int(status), "rate_limit_exceeded" if status == "429" else "server_error", "You asked for it.")


def refusal(request: Request, body: answers.Body) -> Refusal | None:
    """Why this request is not answered, or None."""
    if request.headers.get("authorization") != f"Bearer {API_KEY}":
        return Refusal(401, "invalid_api_key", "Incorrect API key provided.")
    if body["model"] not in MODELS:
        return Refusal(404, "model_not_found", f"The model `{body['model']}` does not exist.")
    said = (answers.prompt_of(body) if "messages" in body else str(body.get("prompt", ""))).lower()
    if any(word in said for word in FORBIDDEN_WORDS.get(request.url.path, ())):
        return Refusal(400, "content_policy_violation", "Your request was rejected by our safety system.")
    return asked_to_fail(request)


async def stream(reply: Reply, pace: float) -> AsyncIterator[str]:
    """Server-sent events: one chunk each, then the end mark."""
    for chunk in reply.chunks:
        await asyncio.sleep(reply.seconds * pace / len(reply.chunks))
        yield f"data: {json.dumps(chunk)}\n\n"
    yield "data: [DONE]\n\n"


class OpenAIStandIn:
    """The server and its ledger. `pace` scales the seconds a model takes to answer; 0 answers at once."""

    def __init__(self, pace: float = 1.0, ledger: Ledger | None = None, endpoints: Endpoints = ENDPOINTS) -> None:
        self.ledger = ledger or Ledger()
        self._pace = pace
        self._endpoints = endpoints
        self._numbers = itertools.count(1)
        self.app = Starlette(routes=[Route(path, self._answer, methods=["POST"]) for path in endpoints])

    async def _answer(self, request: Request) -> Response:
        body = await request.json()
        path, model = request.url.path, str(body["model"])
        refused = refusal(request, body)
        if refused is not None:
            self.ledger.add(Answered(path=path, model=model, status=refused.status, error_code=refused.code))
            return refused.response()
        reply = self._endpoints[path](body, next(self._numbers))
        response_id = str(reply.body.get("id", ""))
        self.ledger.add(
            Answered(path=path, model=model, usage=reply.usage, images=reply.images, response_id=response_id)
        )
        if reply.chunks:
            return StreamingResponse(stream(reply, self._pace), media_type="text/event-stream")
        await asyncio.sleep(reply.seconds * self._pace)
        return JSONResponse(reply.body)

    def serving(self) -> AbstractContextManager[str]:
        """Serve on a free loopback port; gives the base URL for the SDK."""
        return serving(self.app, "/v1")

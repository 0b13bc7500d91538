"""An app that answers JSON with JSON or server-sent events, and writes down in a ledger what it answered."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from spanwand.record import NO_USAGE, Usage
from spanwand_sidecar.demo.ledger import Answered, Ledger

Json = Mapping[str, Any]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of one model before it is sent; refused if the status is not 200, a stream if there are events."""

    model: str
    body: Json
    status: int = 200
    usage: Usage = NO_USAGE
    images: int = 0
    response_id: str = ""
    error_code: str = ""
    events: tuple[str, ...] = ()


Answer = Callable[[Request, Json, int], Reply]
"""A request, its body and the answer's number -> the answer."""


def asked_to_fail(request: Request) -> int | None:
    """`x-fail: 429` fails always, `x-fail: 429x1` only the first attempt of an SDK that counts them."""
    status, _, attempts = request.headers.get("x-fail", "").partition("x")
    if not status or int(request.headers.get("x-stainless-retry-count", 0)) >= int(attempts or 1_000):
        return None
    return int(status)


def app(ledger: Ledger, answers: Mapping[str, Answer]) -> Starlette:
    """Serve each path with what answers it."""
    numbers = itertools.count(1)

    def route(path: str, answer: Answer) -> Route:
        async def endpoint(request: Request) -> Response:
            reply = answer(request, await request.json(), next(numbers))
            fields = {field: getattr(reply, field) for field in Answered.__struct_fields__ if field != "path"}
            ledger.add(Answered(path=request.url.path, **fields))
            return response(reply)

        return Route(path, endpoint, methods=["POST"])

    return Starlette(routes=[route(path, answer) for path, answer in answers.items()])


def response(reply: Reply) -> Response:
    """The HTTP answer; a refusal carries a hint that keeps SDKs from waiting before they try again."""
    if reply.events:
        return StreamingResponse(iter(reply.events), media_type="text/event-stream")
    return JSONResponse(reply.body, reply.status, {"retry-after-ms": "5", "request-id": "req_stand_in"})

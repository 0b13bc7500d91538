"""What the HTTP door answers to a request that it does not take."""

import math
from collections.abc import Mapping

from starlette.responses import Response

from spanwand_sidecar.receive.http_protocol import PROTOBUF
from spanwand_sidecar.receive.refusal import Refusal, RefusalReason

JSON = "application/json"
CLIENT_GONE = Response(status_code=499)
"""Nobody hears it: the sender closed the connection before its body was whole."""


def refused(refusal: Refusal, asked_in: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """A google.rpc.Status, in the form of the request."""
    extra = {"retry-after": str(math.ceil(refusal.retry_after_s))} if refusal.codes.retry else {}
    if refusal.reason is RefusalReason.UNAUTHENTICATED:
        extra["www-authenticate"] = "Bearer"
    body, media_type = (refusal.status_json(), JSON) if asked_in == JSON else (refusal.status(), PROTOBUF)
    return Response(body, refusal.codes.http, {**(headers or {}), **extra}, media_type)

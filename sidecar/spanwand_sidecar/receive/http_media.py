"""`PUT /v1/media/{trace_id}/{span_id}/{index}`: the body is an image of that call, of whatever type it is."""

from collections.abc import Callable

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from spanwand_sidecar.receive.http_answers import CLIENT_GONE, JSON, refused
from spanwand_sidecar.receive.inflate import read_body
from spanwand_sidecar.receive.media import MediaIntake, Place
from spanwand_sidecar.receive.refusal import Refusal, RefusalReason

PATH = "/v1/media/{trace_id}/{span_id}"


def routes(intake: MediaIntake, check: Callable[[Request, int], None]) -> list[Route]:
    """The routes. `check` raises Refusal for who may not ask, and for a head that promises more bytes than allowed."""

    async def put(request: Request) -> Response:
        try:
            check(request, intake.config.max_bytes)
            sha256 = await _take(request, intake)
        except ClientDisconnect:
            return CLIENT_GONE
        except Exception as error:  # noqa: BLE001  # a bug costs this request, never the daemon
            return refused(intake.intake.refuse(error), JSON)
        return Response(msgspec.json.encode({"sha256": sha256}), media_type=JSON)

    return [Route(path, put, methods=["PUT"]) for path in (PATH, f"{PATH}/{{index}}")]


async def _take(request: Request, intake: MediaIntake) -> str:
    """The digest of the image. Raises Refusal."""
    place = _place(request.path_params)
    intake.check(place)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    with intake.intake.hold() as hold:
        data = await read_body(request.stream(), encoding, intake.intake, hold)
        return (await intake(place, data)).sha256


def _place(path: dict[str, str]) -> Place:
    index = path.get("index", "0")
    try:
        place = Place(bytes.fromhex(path["trace_id"]), bytes.fromhex(path["span_id"]), int(index))
    except ValueError:
        raise Refusal(RefusalReason.MALFORMED, "ids must be in hex, the index a number") from None
    return place

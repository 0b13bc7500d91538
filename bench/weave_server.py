"""A stand-in of Weave's server on loopback, for bench/overhead.py: it accepts whatever the Weave SDK sends."""

from contextlib import AbstractContextManager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from spanwand_sidecar.demo.serve import serving

VERSIONS = {"min_required_weave_python_version": "0.0.1", "trace_server_version": "99.0.0"}
USER = {"id": "bench", "username": "bench", "entity": "bench", "flags": "{}", "teams": {"edges": []}}
PROJECT = {"name": "overhead"}
GRAPHQL = {"viewer": USER, "project": PROJECT, "upsertModel": {"model": PROJECT}}


def weave_server() -> AbstractContextManager[str]:
    """Serve on a free port; gives the URL."""
    return serving(Starlette(routes=[Route("/{path:path}", _answer, methods=["GET", "POST", "PUT"])]))


async def _answer(request: Request) -> JSONResponse:
    await request.body()
    path = request.url.path
    if path == "/graphql":
        return JSONResponse({"data": GRAPHQL})
    return JSONResponse(VERSIONS if path == "/server_info" else {"res": [], "digest": "0" * 40})

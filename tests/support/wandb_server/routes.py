"""Which path does what."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.support.wandb_server.control import add_fault, clear_faults, set_keys, snapshot
from tests.support.wandb_server.operations import execute
from tests.support.wandb_server.runs import apply_file_stream

if TYPE_CHECKING:
    from tests.support.wandb_server.front import Site


@dataclass(frozen=True)
class Request:
    """A request whose body has been read. `path` is as on the wire, still quoted."""

    method: str
    path: str
    operation: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def segments(self) -> list[str]:
        """The unquoted parts of the path."""
        return [unquote(part) for part in self.path.strip("/").split("/")]


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> "Answer":
        """An answer whose body is JSON."""
        body = json.dumps(value).encode()
        return cls(status, body, {"Content-Type": "application/json", **(headers or {})})


@dataclass(frozen=True)
class Route:
    """A path, who may use it and what serves it. Control paths are the test's own: not logged, never faulty."""

    method: str
    pattern: re.Pattern[str]
    serve: "Callable[[Site, Request], Answer]"
    authenticated: bool = False
    control: bool = False


def graphql(site: "Site", request: Request) -> Answer:
    """A GraphQL operation."""
    return Answer.json(execute(site.world, request.json()))


def file_stream(site: "Site", request: Request) -> Answer:
    """History, summary, console and the end of a run. 404 for a run that was never announced, which is fatal."""
    _, entity, project, name, _ = request.segments()
    with site.world.lock:
        run = site.world.find_run(entity, project, name)
        if run is None:
            site.world.note_unknown(f"run {entity}/{project}/{name}")
            return Answer(404)
        apply_file_stream(run, request.json())
        return Answer.json({"exitcode": None, "limits": {}, "stopped": run.stop_requested})


def upload(site: "Site", request: Request) -> Answer:
    """A PUT to an upload URL."""
    with site.world.lock:
        stored = site.world.blobs.put(unquote(request.path), request.body, request.headers.get("Content-Md5", ""))
    return Answer(200 if stored else 400)


def download(site: "Site", request: Request) -> Answer:
    """A GET of what was uploaded."""
    body = site.world.blobs.contents.get(unquote(request.path))
    return Answer(404) if body is None else Answer(200, body)


def manifest(site: "Site", request: Request) -> Answer:
    """The complete manifest of an artifact, by its number."""
    number = int(request.segments()[-1])
    with site.world.lock:
        artifact = next(one for one in site.world.artifacts if one.number == number)
        return Answer(200, site.world.artifacts.manifest(artifact))


def sdk_telemetry(_site: "Site", _request: Request) -> Answer:
    """The SDK's own telemetry is not taken."""
    return Answer(404)


def control_state(site: "Site", _request: Request) -> Answer:
    """Everything the server knows, as JSON."""
    return Answer.json(snapshot(site))


def control_faults(site: "Site", request: Request) -> Answer:
    """Add the fault in the body."""
    add_fault(site, request.json())
    return Answer.json({})


def control_clear(site: "Site", _request: Request) -> Answer:
    """End all faults."""
    clear_faults(site)
    return Answer.json({})


def control_keys(site: "Site", request: Request) -> Answer:
    """Accept the API keys in the body, and no others."""
    set_keys(site, request.json())
    return Answer.json({})


ROUTES = (
    Route("POST", re.compile(r"/graphql"), graphql, authenticated=True),
    Route("POST", re.compile(r"/files/[^/]+/[^/]+/[^/]+/file_stream"), file_stream, authenticated=True),
    Route("PUT", re.compile(r"/storage/.+"), upload),
    Route("GET", re.compile(r"/storage/runs/.+"), download, authenticated=True),
    Route("GET", re.compile(r"/storage/artifacts/.+"), download),
    Route("GET", re.compile(r"/manifests/\d+"), manifest),
    Route("POST", re.compile(r"/sdk/otel/v1/(metrics|logs)"), sdk_telemetry),
    Route("GET", re.compile(r"/control/state"), control_state, control=True),
    Route("POST", re.compile(r"/control/faults"), control_faults, control=True),
    Route("POST", re.compile(r"/control/clear"), control_clear, control=True),
    Route("POST", re.compile(r"/control/keys"), control_keys, control=True),
)


def find_route(request: Request) -> Route | None:
    """The route of a request."""
    return next((r for r in ROUTES if r.method == request.method and r.pattern.fullmatch(request.path)), None)

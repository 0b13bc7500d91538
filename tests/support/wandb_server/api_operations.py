"""GraphQL operations of the public API that read runs back."""

import json
from typing import Any

from tests.support.wandb_server.run_operations import run_file_path
from tests.support.wandb_server.runs import Run, global_id
from tests.support.wandb_server.views import artifact_view, connection, project_view, run_view, viewer_view
from tests.support.wandb_server.world import World

Json = dict[str, Any]


def viewer(world: World, _variables: Json) -> Json:
    """Who owns the key."""
    return {"viewer": viewer_view(world)}


def run(world: World, variables: Json) -> Json:
    """One run with everything any document selects of it; null if there is none."""
    name = next(variables[key] for key in ("name", "run", "runName") if key in variables)
    found = world.find_run(variables["entity"], variables["project"], name)
    view = found and run_view(world, found) | _reads(world, found, variables)
    return {"project": project_view(variables["entity"], variables["project"]) | {"run": view}}


def _reads(world: World, found: Run, variables: Json) -> Json:
    outputs = world.artifacts.committed(found.name)
    files = _run_files(world, found)
    return {
        "history": lambda: _history(found, variables),
        "events": lambda: [json.dumps(row) for row in found.events()],
        "sampledHistory": lambda: [_with_keys(found, json.loads(spec)["keys"]) for spec in variables["specs"]],
        "parquetHistory": {"parquetUrls": [], "liveData": None},
        "outputArtifacts": lambda: connection([artifact_view(world, one) for one in outputs]),
        "inputArtifacts": connection([]),
        "fileCount": len(files),
        "files": connection(files),
    }


def _history(found: Run, variables: Json) -> list[str]:
    """History lines within the steps asked for, thinned evenly if they are more than the samples wanted."""
    first, end = variables.get("minStep") or 0, variables.get("maxStep")
    rows = [row for row in found.history() if row["_step"] >= first and (end is None or row["_step"] < end)]
    stride = max(1, -(-len(rows) // (variables.get("samples") or len(rows) or 1)))
    return [json.dumps(row) for row in rows[::stride]]


def _with_keys(found: Run, keys: list[str]) -> list[Json]:
    return [{key: row[key] for key in keys} for row in found.history() if all(key in row for key in keys)]


def _run_files(world: World, found: Run) -> list[Json]:
    prefix = run_file_path(found, "")
    stored = {path: body for path, body in world.blobs.contents.items() if path.startswith(prefix)}
    return [
        {
            "id": global_id("File", path),
            "name": path.removeprefix(prefix),
            "url": world.blobs.url(path),
            "directUrl": world.blobs.url(path),
            "sizeBytes": len(body),
            "mimetype": None,
            "updatedAt": found.created_at,
            "md5": "",
        }
        for path, body in stored.items()
    ]


def runs(world: World, variables: Json) -> Json:
    """The runs of a project as one page. Filters are not built: ask for all."""
    if json.loads(variables.get("filters") or "{}"):
        world.note_unknown(f"filters {variables['filters']}")
    nodes = [run_view(world, one) for one in world.runs_of(variables["entity"], variables["project"])]
    view = project_view(variables["entity"], variables["project"])
    return {"project": view | {"runCount": len(nodes), "runs": connection(nodes)}}


OPERATIONS = {
    "Viewer": viewer,
    "GetViewer": viewer,
    "GetDefaultEntity": lambda world, variables: {
        "viewer": viewer_view(world) | {"defaultEntity": {"name": world.entity}}
    },
    "Run": run,
    "Runs": runs,
    "RunFiles": run,
    "RunFullHistory": run,
    "RunHistoryKeys": run,
    "RunSampledHistory": run,
    "RunParquetHistory": run,
    "RunOutputArtifacts": run,
    "RunInputArtifacts": run,
    "HistoryPage": run,
}

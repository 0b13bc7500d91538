"""GraphQL operations of wandb-core about runs and their files."""

import json
from typing import Any

from tests.support.wandb_server.runs import Run
from tests.support.wandb_server.views import run_view
from tests.support.wandb_server.world import RefusedError, World, timestamp

Json = dict[str, Any]

_FIELDS = {
    "displayName": "display_name",
    "display_name": "display_name",
    "groupName": "group",
    "jobType": "job_type",
    "tags": "tags",
    "notes": "notes",
    "state": "state",
}
_JSON_FIELDS = {"config": "raw_config", "summaryMetrics": "summary"}


def upsert_bucket(world: World, variables: Json) -> Json:
    """Create or change a run. A null variable means "keep"."""
    run, inserted = _upserted(world, variables)
    run.upserts.append(variables)
    given = {name: value for name, value in variables.items() if value is not None}
    for name in _FIELDS.keys() & given.keys():
        setattr(run, _FIELDS[name], given[name])
    for name in _JSON_FIELDS.keys() & given.keys():
        setattr(run, _JSON_FIELDS[name], json.loads(given[name]))
    bucket = run_view(world, run) | {"historyLineCount": lambda: world.line_count(run, world.stale_upserts)}
    return {"upsertBucket": {"bucket": bucket, "inserted": inserted}}


def _upserted(world: World, variables: Json) -> tuple[Run, bool]:
    by_id = next((run for run in world.runs.values() if run.id == variables.get("id")), None)
    if by_id or not variables.get("name"):
        if by_id is None:
            raise RefusedError("no such run")
        return by_id, False
    key = (variables.get("entity") or world.entity, variables.get("project") or "uncategorized", variables["name"])
    inserted = key not in world.runs
    run = world.runs.setdefault(key, Run(*key, created_at=timestamp()))
    run.display_name = run.display_name or run.name
    if not inserted and variables.get("host"):
        run.state = "running"
    return run, inserted


def create_run_files(world: World, variables: Json) -> Json:
    """Hand out upload URLs for run files."""
    run = world.run(variables["entity"], variables["project"], variables["run"])
    files = [{"name": name, "uploadUrl": world.blobs.announce(run_file_path(run, name))} for name in variables["files"]]
    return {"createRunFiles": {"runID": run.id, "uploadHeaders": [], "files": files}}


def run_file_path(run: Run, name: str) -> str:
    """Where a file of a run is stored."""
    return f"/storage/runs/{run.entity}/{run.project}/{run.name}/{name}"


def run_resume_status(world: World, variables: Json) -> Json:
    """What a resumed run has to know; a null bucket means that there is no such run."""
    run = world.find_run(variables.get("entity"), variables["project"], variables["name"])
    bucket = None
    if run:
        history, events = run.history_lines.text(), run.stream("wandb-events.jsonl").text()
        bucket = run_view(world, run) | {
            "historyTail": json.dumps(history[-1:]),
            "eventsTail": json.dumps(events[-1:]),
            "wandbConfig": json.dumps({"t": run.raw_config.get("_wandb", {}).get("value", {}).get("t")}),
        }
    entity = {"id": "entity", "name": variables.get("entity") or world.entity}
    model = {"id": "project", "name": variables["project"], "entity": entity, "bucket": bucket}
    return {"model": model}


def alert(world: World, variables: Json) -> Json:
    """Remember an alert."""
    world.run(variables["entityName"], variables["projectName"], variables["runName"]).alerts.append(variables)
    return {"notifyScriptableRunAlert": {"success": True}}


def server_features(_world: World, _variables: Json) -> Json:
    """No optional feature is built, so none is advertised."""
    return {"serverInfo": {"features": []}}


def organization(_world: World, _variables: Json) -> Json:
    """Asked when machine information is on; any answer will do."""
    return {"entity": {"organization": None}}


OPERATIONS = {
    "UpsertBucket": upsert_bucket,
    "CreateRunFiles": create_run_files,
    "RunResumeStatus": run_resume_status,
    "NotifyScriptableRunAlert": alert,
    "ServerFeaturesQuery": server_features,
    "OrganizationCoreWeaveOrganizationID": organization,
}

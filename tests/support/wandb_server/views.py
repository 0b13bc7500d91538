"""Supersets of what any GraphQL document may select of a run, an artifact or a collection."""

import json
from typing import Any

from tests.support.wandb_server.artifacts import Artifact, Collection
from tests.support.wandb_server.runs import Run, global_id
from tests.support.wandb_server.world import World

Json = dict[str, Any]
_PROJECT_NUMBER = 1
LAST_PAGE = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}


def connection(nodes: list[Json]) -> Json:
    """All of `nodes` as one page."""
    edges = [
        {"node": node, "cursor": str(index), "version": node.get("versionIndex")} for index, node in enumerate(nodes)
    ]
    return {"edges": edges, "pageInfo": LAST_PAGE, "totalCount": len(nodes)}


def project_view(entity: str, project: str) -> Json:
    """A project's own fields."""
    return {
        "__typename": "Project",
        "id": global_id("Project", "v1", project, entity),
        "internalId": global_id("ProjectInternalId", _PROJECT_NUMBER),
        "name": project,
        "readOnly": False,
        "entity": {"id": global_id("Entity", entity), "name": entity},
    }


def viewer_view(world: World) -> Json:
    """The owner of the key."""
    return {
        "__typename": "User",
        "id": global_id("User", 1),
        "entity": world.entity,
        "username": world.entity,
        "name": world.entity,
        "email": None,
        "admin": False,
        "flags": "{}",
        "deletedAt": None,
        "apiKeys": connection([]),
        "teams": connection([]),
    }


def run_view(world: World, run: Run) -> Json:
    """A run. Counts are numbers, what is JSON to W&B is a string of JSON."""
    return {
        "__typename": "Run",
        "id": run.id,
        "projectId": _PROJECT_NUMBER,
        "name": run.name,
        "displayName": run.display_name,
        "description": run.notes,
        "notes": run.notes,
        "tags": run.tags,
        "state": run.state,
        "stopped": run.stop_requested,
        "group": run.group,
        "jobType": run.job_type,
        "sweepName": None,
        "commit": None,
        "readOnly": False,
        "createdAt": run.created_at,
        "heartbeatAt": run.created_at,
        "user": viewer_view(world),
        "project": project_view(run.entity, run.project),
        "config": lambda: json.dumps(run.raw_config),
        "summaryMetrics": lambda: json.dumps(run.summary),
        "systemMetrics": "{}",
        "historyLineCount": lambda: world.line_count(run, world.stale_reads),
        "logLineCount": lambda: len(run.stream("output.log").lines),
        "eventsLineCount": lambda: len(run.stream("wandb-events.jsonl").lines),
        "historyKeys": lambda: history_keys(run),
    }


def history_keys(run: Run) -> Json:
    """Which keys the history has, and its last step; without the latter the SDK's scan yields nothing."""
    rows = run.history()
    keys = {key: {"typeCounts": [{"type": "number", "count": len(rows)}]} for row in rows for key in row}
    return {"sets": [], "keys": keys, "lastStep": max((row["_step"] for row in rows), default=-1)}


def collection_view(collection: Collection) -> Json:
    """An artifact collection."""
    return {
        "__typename": "ArtifactSequence",
        "id": global_id("ArtifactCollection", collection.entity, collection.project, collection.name),
        "name": collection.name,
        "description": None,
        "createdAt": collection.versions[0].created_at if collection.versions else None,
        "updatedAt": None,
        "project": project_view(collection.entity, collection.project),
        "defaultArtifactType": {"name": collection.type},
        "tags": connection([]),
        "state": "READY",
        "aliases": lambda: connection([alias_view(collection, alias) for alias in collection.aliases]),
    }


def alias_view(collection: Collection, alias: str) -> Json:
    """One alias."""
    return {
        "__typename": "ArtifactAlias",
        "id": global_id("ArtifactAlias", collection.name, alias),
        "alias": alias,
        "artifactCollection": lambda: collection_view(collection),
    }


def artifact_view(world: World, artifact: Artifact) -> Json:
    """An artifact: the SDK's ArtifactFragment and what else is asked of one."""
    collection = artifact.collection
    return {
        "__typename": "Artifact",
        "id": artifact.id,
        "artifactSequence": lambda: collection_view(collection) | {"latestArtifact": _latest(collection)},
        "artifactType": {"name": collection.type},
        "versionIndex": artifact.version,
        "description": artifact.description,
        "metadata": artifact.metadata,
        "ttlDurationSeconds": -2,
        "ttlIsInherited": True,
        "tags": [{"__typename": "Tag", "id": global_id("Tag", tag), "name": tag} for tag in artifact.tags],
        "historyStep": artifact.history_step,
        "state": artifact.state,
        "size": lambda: sum(entry.get("size", 0) for entry in world.artifacts.entries(artifact).values()),
        "fileCount": lambda: len(world.artifacts.entries(artifact)),
        "digest": artifact.digest,
        "digestAlgorithm": "MANIFEST_MD5",
        "commitHash": artifact.digest,
        "createdAt": artifact.created_at,
        "updatedAt": None,
        "aliases": lambda: [alias_view(collection, alias) for alias in collection.aliases_of(artifact)],
        "currentManifest": lambda: {"file": {"directUrl": world.blobs.url(f"/manifests/{artifact.number}")}},
    }


def _latest(collection: Collection) -> Json | None:
    return {"id": collection.versions[-1].id} if collection.versions else None


def membership_view(world: World, artifact: Artifact) -> Json:
    """A version as a member of its collection, with its files."""
    return {
        "__typename": "ArtifactCollectionMembership",
        "id": global_id("ArtifactCollectionMembership", artifact.number),
        "versionIndex": artifact.version,
        "createdAt": artifact.created_at,
        "aliases": lambda: [alias_view(artifact.collection, a) for a in artifact.collection.aliases_of(artifact)],
        "artifactCollection": lambda: collection_view(artifact.collection),
        "artifact": lambda: artifact_view(world, artifact),
        "files": lambda: connection([_file_view(world, artifact, name) for name in world.artifacts.entries(artifact)]),
    }


def _file_view(world: World, artifact: Artifact, name: str) -> Json:
    entry = world.artifacts.entries(artifact)[name]
    url = world.blobs.url(world.artifacts.stored_path(artifact, name))
    return {
        "__typename": "File",
        "id": global_id("File", artifact.number, name),
        "name": name,
        "displayName": name,
        "url": url,
        "directUrl": url,
        "sizeBytes": entry.get("size", 0),
        "storagePath": None,
        "mimetype": None,
        "updatedAt": artifact.created_at,
        "digest": entry["digest"],
        "md5": entry["digest"],
    }

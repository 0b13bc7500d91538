"""GraphQL operations that make and find artifacts. Mutations can be repeated: answers get lost."""

from typing import Any

from tests.support.wandb_server.artifacts import Artifact, Collection
from tests.support.wandb_server.views import artifact_view, membership_view
from tests.support.wandb_server.world import RefusedError, World, timestamp

Json = dict[str, Any]


def artifact_type(world: World, variables: Json) -> Json:
    """The type of the collection that a name ("collection:alias") belongs to; null if there is none."""
    artifact = _by_name(world, variables)
    return {"project": {"artifact": artifact and artifact_view(world, artifact)}}


def create_artifact(world: World, variables: Json) -> Json:
    """Begin an artifact, or find the one meant: by client ID, or by digest in the same collection."""
    given = variables["input"]
    key = (given.get("entityName") or world.entity, given["projectName"], given["artifactCollectionName"])
    collection = world.artifacts.collections.setdefault(key, Collection(*key, type=given["artifactTypeName"]))
    if collection.type != given["artifactTypeName"]:
        raise RefusedError(f"collection {collection.name} is of type {collection.type}")
    collection.sequence_client_id = collection.sequence_client_id or given.get("sequenceClientID") or ""
    aliases = [alias["alias"] for alias in given.get("aliases") or []]
    artifact = world.artifacts.find(given["clientID"], collection, given["digest"])
    if artifact is None:
        artifact = _begin(world, collection, given)
        artifact.wanted_aliases = aliases
    elif artifact.state == "COMMITTED":
        world.artifacts.alias(artifact, aliases)
    return {"createArtifact": {"artifact": artifact_view(world, artifact)}}


def _begin(world: World, collection: Collection, given: Json) -> Artifact:
    artifact = Artifact(
        number=len(world.artifacts.all) + 1,
        collection=collection,
        run=given.get("runName") or "",
        client_id=given["clientID"],
        digest=given["digest"],
        description=given.get("description"),
        metadata=given.get("metadata"),
        history_step=given.get("historyStep"),
        tags=[tag["tagName"] for tag in given.get("tags") or []],
        created_at=timestamp(),
    )
    world.artifacts.all[artifact.id] = artifact
    return artifact


def create_manifest(world: World, variables: Json) -> Json:
    """Announce a manifest; asked a second time, with its digest, for the upload URL."""
    artifact = _by_id(world, variables["artifactID"])
    artifact.incremental = variables["manifestType"] == "INCREMENTAL"
    artifact.base_id = variables.get("baseArtifactID") or artifact.base_id
    return {"createArtifactManifest": {"artifactManifest": _manifest(world, artifact, variables)}}


def update_manifest(world: World, variables: Json) -> Json:
    """Give an incremental manifest its digest and upload URL."""
    artifact = _by_id(world, variables["artifactManifestID"])
    artifact.base_id = variables.get("baseArtifactID") or artifact.base_id
    return {"updateArtifactManifest": {"artifactManifest": _manifest(world, artifact, variables)}}


def _manifest(world: World, artifact: Artifact, variables: Json) -> Json:
    upload_url, headers = _announce(world, artifact.manifest_path, variables.get("digest") or "")
    return {"id": artifact.id, "file": {"id": artifact.id, "uploadUrl": upload_url, "uploadHeaders": headers}}


def create_files(world: World, variables: Json) -> Json:
    """Hand out upload URLs for an artifact's files, in the order they were asked for."""
    edges = []
    for wanted in variables["input"]["artifactFiles"]:
        artifact = _by_id(world, wanted["artifactID"])
        path = artifact.file_path(wanted["name"])
        upload_url, headers = _announce(world, path, wanted["md5"])
        node = {
            "storagePath": path.removeprefix("/storage/"),
            "uploadUrl": upload_url,
            "uploadHeaders": headers,
            "uploadMultipartUrls": None,
            "artifact": {"id": artifact.id},
        }
        edges.append({"node": node})
    return {"createArtifactFiles": {"files": {"edges": edges}}}


def _announce(world: World, path: str, md5: str) -> tuple[str, list[str]]:
    return world.blobs.announce(path, md5), [f"Content-MD5:{md5}"] if md5 else []


def commit(world: World, variables: Json) -> Json:
    """Make the artifact a version."""
    artifact = _by_id(world, variables["artifactID"])
    world.artifacts.commit(artifact)
    return {"commitArtifact": {"artifact": artifact_view(world, artifact)}}


def client_id_mapping(world: World, variables: Json) -> Json:
    """The server's ID of an artifact known by its client ID."""
    found = [one.id for one in world.artifacts if one.client_id == variables["clientID"]]
    return {"clientIDMapping": {"serverID": found[0]} if found else None}


def artifact_by_id(world: World, variables: Json) -> Json:
    """One artifact, which `wait()` reads after the commit; also its manifest."""
    artifact = world.artifacts.all.get(variables["id"])
    return {"artifact": artifact and artifact_view(world, artifact)}


def membership_by_name(world: World, variables: Json) -> Json:
    """A version by "collection:alias"; null if there is none."""
    artifact = _by_name(world, variables)
    return {"project": {"artifactCollectionMembership": artifact and membership_view(world, artifact)}}


def membership_files(world: World, variables: Json) -> Json:
    """The files of a version, with download URLs."""
    collection = world.artifacts.collection(variables["entity"], variables["project"], variables["collection"])
    artifact = collection and collection.find(variables["alias"])
    membership = artifact and membership_view(world, artifact)
    return {"project": {"artifactCollection": {"__typename": "ArtifactSequence", "artifactMembership": membership}}}


def use_artifact(world: World, variables: Json) -> Json:
    """Note that a run uses a version."""
    return {"useArtifact": {"artifact": artifact_view(world, _by_id(world, variables["artifactID"]))}}


def _by_id(world: World, artifact_id: str) -> Artifact:
    artifact = world.artifacts.all.get(artifact_id)
    if artifact is None:
        raise RefusedError("artifact not found")
    return artifact


def _by_name(world: World, variables: Json) -> Artifact | None:
    name, _, alias = variables["name"].partition(":")
    collection = world.artifacts.collection(variables.get("entity") or world.entity, variables["project"], name)
    return collection.find(alias or "latest") if collection else None


OPERATIONS = {
    "ArtifactType": artifact_type,
    "CreateArtifact": create_artifact,
    "CreateArtifactManifest": create_manifest,
    "UpdateArtifactManifest": update_manifest,
    "CreateArtifactFiles": create_files,
    "CommitArtifact": commit,
    "ClientIDMapping": client_id_mapping,
    "ArtifactByID": artifact_by_id,
    "FetchArtifactManifest": artifact_by_id,
    "ArtifactMembershipByName": membership_by_name,
    "ArtifactMembershipFiles": membership_files,
    "GetArtifactMembershipFileUrls": membership_files,
    "UseArtifact": use_artifact,
}

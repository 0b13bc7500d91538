"""Artifacts: versions, aliases, and manifests that may build on one another."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.wandb_server.blobs import Blobs
from tests.support.wandb_server.runs import global_id

Json = dict[str, Any]


@dataclass
class Artifact:
    """One artifact, a version once it is committed."""

    number: int
    collection: "Collection"
    run: str
    client_id: str
    digest: str
    description: str | None = None
    metadata: str | None = None
    history_step: int | None = None
    tags: list[str] = field(default_factory=list)
    state: str = "PENDING"
    version: int | None = None
    incremental: bool = False
    base_id: str | None = None
    created_at: str = ""
    wanted_aliases: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The GraphQL node id."""
        return global_id("Artifact", self.number)

    @property
    def manifest_path(self) -> str:
        """Where the manifest is stored."""
        return f"/storage/artifacts/{self.number}/manifest.json"

    def file_path(self, name: str) -> str:
        """Where the file `name` that was born with this artifact is stored."""
        return f"/storage/artifacts/{self.number}/files/{name}"


@dataclass
class Collection:
    """A named sequence of versions. An alias points to one version at a time."""

    entity: str
    project: str
    name: str
    type: str
    sequence_client_id: str = ""
    versions: list[Artifact] = field(default_factory=list)
    aliases: dict[str, Artifact] = field(default_factory=dict)

    def find(self, alias: str) -> Artifact | None:
        """The version with that alias, or with that number (`v3`)."""
        numbered = {f"v{artifact.version}": artifact for artifact in self.versions}
        return self.aliases.get(alias) or numbered.get(alias)

    def aliases_of(self, artifact: Artifact) -> list[str]:
        """The aliases that point to `artifact` now."""
        return [alias for alias, target in self.aliases.items() if target is artifact]


class Artifacts:
    """All artifacts. Committing gives the version number, moves the aliases and checks that every file is there."""

    def __init__(self, blobs: Blobs) -> None:
        self.blobs = blobs
        self.all: dict[str, Artifact] = {}
        self.collections: dict[tuple[str, str, str], Collection] = {}
        self.missing_files: list[str] = []
        self.wrong_digests: list[str] = []

    def __iter__(self) -> Iterator[Artifact]:
        return iter(list(self.all.values()))  # a test may look while the server's threads add to them

    def committed(self, run: str = "") -> list[Artifact]:
        """Committed artifacts (made by `run`), in the order they were created."""
        return [one for one in self if one.state == "COMMITTED" and run in ("", one.run)]

    def collection(self, entity: str, project: str, name: str) -> Collection | None:
        """A collection that exists."""
        return self.collections.get((entity, project, name))

    def find(self, client_id: str, collection: Collection, digest: str) -> Artifact | None:
        """The artifact that a repeated or duplicate CreateArtifact means."""
        same_client = next((one for one in self if one.client_id == client_id), None)
        return same_client or next((one for one in collection.versions if one.digest == digest), None)

    def commit(self, artifact: Artifact) -> None:
        """Make a pending artifact a version. Committing again changes nothing."""
        if artifact.state == "COMMITTED":
            return
        self._check(artifact)
        collection = artifact.collection
        artifact.version = len(collection.versions)
        artifact.state = "COMMITTED"
        collection.versions.append(artifact)
        self.alias(artifact, artifact.wanted_aliases)

    def alias(self, artifact: Artifact, aliases: list[str]) -> None:
        """Point `aliases` and `latest` to a version."""
        for alias in [*aliases, "latest"]:
            artifact.collection.aliases[alias] = artifact

    def own_entries(self, artifact: Artifact) -> Json:
        """The manifest's entries as uploaded: of an incremental artifact, only the new ones."""
        contents: Json = json.loads(self.blobs.contents[artifact.manifest_path])["contents"]
        return contents

    def entries(self, artifact: Artifact) -> Json:
        """All entries of a version, those of its bases included."""
        base = self.all.get(artifact.base_id or "") if artifact.incremental else None
        return {**(self.entries(base) if base else {}), **self.own_entries(artifact)}

    def manifest(self, artifact: Artifact) -> bytes:
        """The manifest a reader gets: complete, even if it was uploaded as an increment."""
        document = json.loads(self.blobs.contents[artifact.manifest_path])
        return json.dumps({**document, "contents": self.entries(artifact)}).encode()

    def file(self, artifact: Artifact, name: str) -> bytes:
        """The content of the file `name` of a version, wherever in the chain it was uploaded."""
        return self.blobs.contents[self.stored_path(artifact, name)]

    def stored_path(self, artifact: Artifact, name: str) -> str:
        """Where the file `name` of a version is stored."""
        born = self.entries(artifact)[name].get("birthArtifactID") or artifact.id
        return self.all[born].file_path(name)

    def _check(self, artifact: Artifact) -> None:
        if artifact.manifest_path not in self.blobs.contents:
            self.missing_files.append(artifact.manifest_path)
            return
        entries = self.own_entries(artifact)
        for name, entry in entries.items():
            if "ref" not in entry and self.stored_path(artifact, name) not in self.blobs.contents:
                self.missing_files.append(self.stored_path(artifact, name))
        if not artifact.incremental and artifact_digest(entries) != artifact.digest:
            self.wrong_digests.append(artifact.id)


def artifact_digest(entries: Json) -> str:
    """The digest of an artifact with these manifest entries."""
    lines = [f"{name}:{entry['digest']}\n" for name, entry in sorted(entries.items())]
    text = "wandb-artifact-manifest-v1\n" + "".join(lines)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

"""Runs and what the file stream says about them."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


def global_id(kind: str, *parts: object) -> str:
    """A GraphQL node id. Has to be valid base64: the SDK decodes the ids of artifacts."""
    return base64.b64encode(":".join([kind, *map(str, parts)]).encode()).decode()


@dataclass
class Lines:
    """A streamed file by line number, so that a resend overwrites. Notes what an honest client never does."""

    lines: dict[int, str] = field(default_factory=dict)
    gaps: list[int] = field(default_factory=list)
    rewritten: list[int] = field(default_factory=list)
    resent: int = 0

    def put(self, offset: int, content: list[str]) -> None:
        """Store `content` from line `offset` on."""
        if offset > len(self.lines):
            self.gaps.append(offset)
        for number, line in enumerate(content, offset):
            if number in self.lines:
                self.resent += 1
                if self.lines[number] != line:
                    self.rewritten.append(number)
            self.lines[number] = line

    def text(self) -> list[str]:
        """The lines in order."""
        return [self.lines[number] for number in sorted(self.lines)]


@dataclass
class Run:
    """One run as the server knows it. `name` is the run ID, `display_name` what people see."""

    entity: str
    project: str
    name: str
    display_name: str = ""
    group: str = ""
    job_type: str = ""
    tags: list[str] = field(default_factory=list)
    notes: str = ""
    raw_config: Json = field(default_factory=dict)
    summary: Json = field(default_factory=dict)
    state: str = "running"
    exit_code: int | None = None
    streams: dict[str, Lines] = field(default_factory=dict)
    uploaded: list[str] = field(default_factory=list)
    upserts: list[Json] = field(default_factory=list)
    """The variables of every UpsertBucket, as sent."""
    alerts: list[Json] = field(default_factory=list)
    stop_requested: bool = False
    created_at: str = ""

    @property
    def id(self) -> str:
        """The GraphQL node id."""
        return global_id("Run", "v1", self.name, self.project, self.entity)

    @property
    def config(self) -> Json:
        """The run's config as the user set it: values only, without `_wandb`."""
        return {key: entry["value"] for key, entry in self.raw_config.items() if key != "_wandb"}

    def stream(self, file_name: str) -> Lines:
        """A streamed file, made when it is first asked for."""
        return self.streams.setdefault(file_name, Lines())

    @property
    def history_lines(self) -> Lines:
        """The history file, with its gaps and rewritten lines."""
        return self.stream("wandb-history.jsonl")

    def history(self) -> list[Json]:
        """The history rows in order, internal keys (`_step`, …) included."""
        return [json.loads(line) for line in self.history_lines.text()]

    def events(self) -> list[Json]:
        """System metrics."""
        return [json.loads(line) for line in self.stream("wandb-events.jsonl").text()]


def apply_file_stream(run: Run, body: Json) -> None:
    """Store one file_stream request."""
    for name, chunk in (body.get("files") or {}).items():
        if name == "wandb-summary.json":
            run.summary = json.loads(chunk["content"][-1])
        else:
            run.stream(name).put(chunk["offset"], chunk["content"])
    run.uploaded += body.get("uploaded") or []
    if body.get("complete"):
        run.exit_code = body.get("exitcode") or 0
        run.state = "failed" if run.exit_code else "finished"

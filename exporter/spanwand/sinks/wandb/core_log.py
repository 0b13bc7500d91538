"""What wandb-core writes down about its requests: the only place that says how W&B answered one, or why it did not.

Its exceptions and answers keep the status to themselves: "<no message>", "timed out", "most uploads have failed".
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

PERMANENT = frozenset({400, 413, 422})
"""Statuses that say: this, never. What has them is given up. Any other is tried again, for ever: 401 and 403 are about
the key, 404 and 409 about the project, which a person can mend; the rest passes."""
TAIL_BYTES = 256 * 1024
STATUS = re.compile(r"(?:returned error|failed to upload:|status:) (\d{3})\b")

MESSAGE = re.compile(r'"message":\s*"([^"]*)"')


class Problem(NamedTuple):
    """How a request failed. `status` is 0 if W&B did not answer, or nobody knows."""

    status: int
    text: str = ""

    def __str__(self) -> str:
        said = f"W&B answered {self.status}" if self.status else "W&B did not answer in time"
        return f"{said} ({self.text})" if self.text else said


def run_folder(root: Path, run_id: str) -> Path | None:
    """Where wandb keeps what belongs to a run, below `root`."""
    return next((root / "wandb").glob(f"*run-*-{run_id}"), None)


def log_of(folder: Path) -> Path:
    """The log of a run, in its folder."""
    return folder / "logs" / "debug-internal.log"


def last_problem(log: Path, about: str = "") -> Problem:
    """The last request that failed; with `about`, the last that has this in its address."""
    problem = Problem(0)
    for line in _lines(log):
        if about in str(line) and (found := _problem(line)):
            problem = Problem(found.status or problem.status, found.text or problem.text)
    return problem


def status_in(text: str) -> int:
    """The HTTP status that a message of wandb-core names; 0 if it names none."""
    found = STATUS.search(text)
    return int(found[1]) if found else 0


def _problem(line: Mapping[str, Any]) -> Problem | None:
    message = str(line.get("msg", ""))
    if message.startswith(("filestream: fatal error:", "file transfer: upload: failed")):
        return Problem(status_in(message), reason_in(message))
    if not message.startswith(("api: ", "runupserter: ")):
        return None
    text = str(line.get("error") or line.get("body") or "")
    return Problem(int(line.get("status") or status_in(text)), reason_in(text))


def reason_in(text: str) -> str:
    """The message in an error: the server's own, or what was met before the time was over."""
    message = MESSAGE.search(text)
    return message[1] if message else text.rpartition("while retrying: ")[2]


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - TAIL_BYTES, 0))
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError:
            continue

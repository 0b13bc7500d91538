"""What wandb-core writes down about its requests: the only place that says how W&B answered one, or why it did not.

Its exceptions and answers keep the status to themselves: "<no message>", "timed out", "most uploads have failed".
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

TAIL_BYTES = 256 * 1024
STATUS = re.compile(r"(?:returned error|failed to upload:|status:) (\d{3})\b")

MESSAGE = re.compile(r'"message":\s*"([^"]*)"')


class Problem(NamedTuple):
    """How a request failed. `status` is 0 if W&B did not answer, or nobody knows."""

    status: int
    text: str = ""


def run_folder(root: Path, run_id: str) -> Path | None:
    """Where wandb keeps what belongs to a run, below `root`."""
    return next((root / "wandb").glob(f"*run-*-{run_id}"), None)


def last_problem(folder: Path, url_part: str = "") -> Problem:
    """The last request of a run that failed; with `url_part`, the last to such an address."""
    problem = Problem(0)
    for line in _lines(folder / "logs" / "debug-internal.log"):
        if url_part in str(line.get("url", "")) and (found := _problem(line)):
            problem = Problem(found.status or problem.status, found.text or problem.text)
    return problem


def status_in(text: str) -> int:
    """The HTTP status that a message of wandb-core names; 0 if it names none."""
    found = STATUS.search(text)
    return int(found[1]) if found else 0


def _problem(line: Mapping[str, Any]) -> Problem | None:
    message = str(line.get("msg", ""))
    if message.startswith("filestream: fatal error:"):
        return Problem(status_in(message), _reason(message))
    if not message.startswith(("api: ", "runupserter: ")):
        return None
    text = str(line.get("error") or line.get("body") or "")
    return Problem(int(line.get("status") or status_in(text)), _reason(text))


def _reason(text: str) -> str:
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

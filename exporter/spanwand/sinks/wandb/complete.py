"""Completes runs: uploads what W&B does not have of them, and verifies by reading back that it has it all.

`wandb sync` does the upload; that it exits with 0 proves nothing. `main` is a program that does so for `completion`. It
ends when its standard input does: not even a kill of the daemon leaves it behind.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from spanwand.config import WandbConfig
from spanwand.errors import NotReadable
from spanwand.sinks.wandb.core_log import PERMANENT, Problem, last_problem
from spanwand.sinks.wandb.dataset import is_dataset
from spanwand.sinks.wandb.dataset_rows import make
from spanwand.sinks.wandb.directories import own_process
from spanwand.sinks.wandb.ledger import RunDescription, read_descriptions
from spanwand.sinks.wandb.read_back import ReadBack, Stored
from spanwand.sinks.wandb.records import RowKey
from spanwand.sinks.wandb.refused_steps import RefusedRow, find_refused
from spanwand.sinks.wandb.remainder import Content, Files, find_rows, read_content, write_remainder
from spanwand.sinks.wandb.settings import Server, find_server
from spanwand.sinks.wandb.troubles import explain

SYNC_TIMEOUT_S = 900.0
SETTLE_S = 15.0
"""How long W&B may take to show what it has taken."""
POLL_S = 1.0
NICENESS = 10
DATASET = "its dataset"
"""In words, that W&B lacks this of a run."""


class RefusedStep(msgspec.Struct):
    """A history row that W&B refused for good."""

    key: RowKey
    row: dict[str, Any]
    why: str


class Verdict(msgspec.Struct):
    """What became of one run. `why` says what is missing if it is not verified, or what W&B refused beside its rows."""

    run_id: str
    is_verified: bool
    why: str = ""
    refused: tuple[RefusedStep, ...] = ()


class Answer(NamedTuple):
    """How W&B answered an upload."""

    rows: Problem
    """About history rows."""
    last: Problem
    """The last that failed, whatever it was about."""


class Found(NamedTuple):
    """What W&B has of a run, beside what the run's log has."""

    content: Content
    stored: Stored
    files: Files

    @property
    def doubled(self) -> int:
        """History rows that are there more often than they were logged."""
        return (self.stored.rows - self.content.rows).total()

    @property
    def missing(self) -> list[RowKey]:
        """The history rows that are not there, in order."""
        return list((self.content.rows - self.stored.rows).elements())

    @property
    def lacks(self) -> str:
        """In words, what is missing; empty if nothing is."""
        rows = len(self.missing)
        lacking = {artifact: len(names - self.files[artifact]) for artifact, names in self.content.files.items()}
        files = sum(count for artifact, count in lacking.items() if not is_dataset(artifact))
        missing = [f"{count} {what}" for count, what in ((rows, "history rows"), (files, "Table files")) if count]
        missing += [DATASET] * any(count for artifact, count in lacking.items() if is_dataset(artifact))
        if self.stored.state != "finished":
            missing.append(f"its end: W&B says it is {self.stored.state or 'unknown'}")
        return ", ".join(missing)

    @property
    def is_settled(self) -> bool:
        """W&B's own figures agree; while they do not, an upload would begin at the wrong row."""
        return self.stored.line_count == self.stored.rows.total()


def complete(directory: Path, run: RunDescription, config: WandbConfig, server: Server) -> Verdict:
    """Complete one run that nobody writes to. Bounded in time. Raises whatever wandb raises, OSError, NotReadable."""
    log = directory / run.log
    content = _content(log, run, config)
    if not (content.has_begun or content.files):
        return Verdict(run.run_id, is_verified=True)  # killed at its start: nothing of it is left to send
    api = ReadBack(server, run.run.entity or config.entity, run.run.project or config.project)

    def look() -> Found:
        return Found(content, api.run(run.run_id), {name: api.files(name) for name in content.files})

    def settled() -> Found:
        return _await(look, lambda found: found.is_settled)

    def missing() -> list[RowKey]:
        return found.missing if (found := settled()).is_settled else []

    found, refused, last = settled(), tuple[RefusedStep, ...](), Problem(0)
    if found.lacks and not found.doubled and found.is_settled:
        upload = partial(_upload, directory, log, server)
        rows, last = upload(found, found.missing)
        if rows.status in PERMANENT:
            refused = _with_content(log, find_refused(lambda rows: upload(look(), rows).rows, missing))
            content = content.without(step.key for step in refused)
        found = _await(look, lambda found: not found.lacks)
    return Verdict(run.run_id, *_is_complete(found, last), refused)


def _content(log: Path, run: RunDescription, config: WandbConfig) -> Content:
    """What W&B is to have: a run that ended without its dataset gets one."""
    if config.dataset:
        make(log, run.run_id, run.run)
    return read_content(log).without(run.refused)


def _with_content(log: Path, rows: Iterable[RefusedRow]) -> tuple[RefusedStep, ...]:
    refused = list(rows)
    found = find_rows(log, {row.key for row in refused})
    return tuple(RefusedStep(row.key, found[row.key], row.why) for row in refused)


def _is_complete(found: Found, last: Problem) -> tuple[bool, str]:
    """And why not, or what it is complete without: the rows of a refused dataset are in Tables."""
    is_wrong = found.doubled or found.content.missing_files
    if found.lacks == DATASET and last.status in PERMANENT and not is_wrong:
        return True, f"W&B refused {DATASET}: {last}"
    if found.lacks or is_wrong:
        return False, _why_not(found)
    return True, ""


def _why_not(found: Found) -> str:
    if found.doubled:
        return f"W&B shows {found.doubled} history rows twice"
    if not found.is_settled:
        return f"W&B counts {found.stored.line_count} history rows and shows {found.stored.rows.total()}"
    if found.content.missing_files:
        return f"{found.content.missing_files} Table files are not on this disk any more"
    return f"W&B lacks {found.lacks}" if found.lacks else ""


def _await(look: Callable[[], Found], is_good: Callable[[Found], bool]) -> Found:
    deadline = time.monotonic() + SETTLE_S
    while not is_good(found := look()) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return found


def _upload(directory: Path, log: Path, server: Server, found: Found, rows: Iterable[RowKey]) -> Answer:
    """Send these of the missing history rows, and all other things that W&B has not."""
    others = found.content.logged - Counter(rows)
    with tempfile.TemporaryDirectory(dir=directory, prefix="completion-") as folder:
        run = Path(folder) / f"offline-{log.parent.name.removeprefix('offline-')}"
        run.mkdir()
        (run / "files").symlink_to(log.absolute().parent / "files")
        write_remainder(log, run / log.name, others, found.files)
        _sync(run, server)
        logs = sorted(run.parent.rglob("debug-sync*.log"))
        return Answer(*(last_problem(logs[-1], about) if logs else Problem(0) for about in ("/file_stream", "")))


def _sync(run: Path, server: Server) -> None:
    own = {"WANDB_BASE_URL": server.base_url, "WANDB_DIR": str(run.parent), "WANDB_MODE": "online"}
    key = {"WANDB_API_KEY": server.api_key} if server.api_key else {}
    subprocess.run(  # noqa: S603  # our own arguments
        [sys.executable, "-m", "wandb", "sync", str(run)],
        env={**os.environ, **own, **key},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=SYNC_TIMEOUT_S,
        check=False,
    )


def complete_all(
    directory: Path, runs: Iterable[RunDescription], config: WandbConfig, server: Server
) -> Iterator[Verdict]:
    """Complete runs one after another. If W&B cannot be asked about one, the others are left for another time."""
    for run in runs:
        try:
            yield complete(directory, run, config, server)
        except (NotReadable, OSError, subprocess.TimeoutExpired) as error:
            yield Verdict(run.run_id, is_verified=False, why=f"{type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001  # wandb raises what it likes
            yield Verdict(run.run_id, is_verified=False, why=explain(error))
            return


def command(directory: Path, config: WandbConfig, run_ids: Iterable[str]) -> list[str]:
    """The program's command line."""
    start = f"from {__name__} import main; main()"  # by `-m` this module would be there twice
    return [sys.executable, "-c", start, str(directory.absolute()), config.model_dump_json(), *run_ids]


def main() -> None:
    """The program: one JSON verdict a line."""
    directory, config = Path(sys.argv[1]), WandbConfig.model_validate_json(sys.argv[2])
    os.nice(NICENESS)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    own_process(directory)
    runs = [run for run in read_descriptions(directory) if run.run_id in sys.argv[3:]]
    for verdict in complete_all(directory, runs, config, find_server(config)):
        sys.stdout.buffer.write(msgspec.json.encode(verdict) + b"\n")
        sys.stdout.buffer.flush()


def _end_with_stdin() -> None:
    """Take everything that was started down: the group is this program's own."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.killpg(0, signal.SIGKILL)

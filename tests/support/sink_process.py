"""Our W&B sink in a process of its own, driven line by line: W&B's environment and its wandb-core are per process.

`SinkProcess` is the test's side; run as a program, this file is the other side.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import msgspec
from msgspec.structs import replace

from spanwand.batch import Batch
from spanwand.config import WandbConfig
from spanwand.media import Media
from spanwand.outcomes import Outcome, Retry
from spanwand.sinks.wandb import own_process
from spanwand.sinks.wandb.sink import WandbSink
from spanwand.tables import layout

ROOT = Path(__file__).parents[2]
Rows = Mapping[str, Sequence[tuple[object, ...]]]


class Command(msgspec.Struct, omit_defaults=True):
    """What to do: write a batch, or close within some seconds."""

    write: Batch | None = None
    close_s: float = 0.0


class Reply(msgspec.Struct):
    """What came of it: the outcome's name (empty for close), its reason, and how long it took in seconds."""

    outcome: str
    why: str
    after_s: float
    took_s: float


class SinkProcess:
    """A sink below `directory`, under the environment `environ`. `with` ends it, and its wandb-core, in any case."""

    def __init__(self, environ: Mapping[str, str], directory: Path, config: WandbConfig, images: int = 0) -> None:
        """`images`: columns for so many in `generations`."""
        settings = [config.model_dump_json(), str(images)]
        command = [sys.executable, "-m", "tests.support.sink_process", str(directory), *settings]
        with (directory.parent / f"{directory.name}.stderr").open("a") as stderr:
            self._process = subprocess.Popen(
                command,
                cwd=directory.parent,
                env={**environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(15)
        finally:
            self.kill()
            self._process.stdout.close()

    def write(self, batch: Batch) -> Reply:
        """Write a batch once."""
        return self._ask(Command(write=batch))

    def deliver(self, batch: Batch, timeout_s: float = 60.0) -> list[Reply]:
        """Write a batch again and again, without the pauses a daemon makes, until it is delivered."""
        replies = [self.write(batch)]
        deadline = time.monotonic() + timeout_s
        while replies[-1].outcome == "Retry" and time.monotonic() < deadline:
            time.sleep(0.1)
            replies.append(self.write(batch))
        return replies

    def close(self, deadline_s: float = 20.0) -> Reply:
        """Close the sink."""
        return self._ask(Command(close_s=deadline_s))

    def kill(self) -> None:
        """Kill what is left of the process and of its children."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _ask(self, command: Command) -> Reply:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(msgspec.json.encode(command) + b"\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._process.stdout.readline(), type=Reply)


def obey(sink: WandbSink, command: Command) -> Reply:
    """Carry out one command."""
    begin = time.monotonic()
    outcome: Outcome | None = None
    if command.write:
        outcome = sink.write(command.write)
    else:
        sink.close(command.close_s)
    took_s = time.monotonic() - begin
    after_s = outcome.after_s if isinstance(outcome, Retry) else 0.0
    return Reply(type(outcome).__name__ if outcome else "", getattr(outcome, "why", ""), after_s, took_s)


def command_in(line: bytes) -> Command:
    """A command as it was sent: in rows, which hold any objects, only images are JSON objects."""
    command = msgspec.json.decode(line, type=Command)
    if command.write is None:
        return command
    updates = tuple(replace(each, rows=_with_images(each.rows)) for each in command.write.updates)
    return Command(write=replace(command.write, updates=updates))


def _with_images(tables: Rows) -> Rows:
    return {name: tuple(tuple(_cell(cell) for cell in row) for row in rows) for name, rows in tables.items()}


def _cell(cell: object) -> object:
    return msgspec.convert(cell, Media) if isinstance(cell, dict) else cell


def main(directory: Path, config: WandbConfig, images: int) -> None:
    """Obey commands from stdin until it ends."""
    own_process(directory)
    sink = WandbSink(config, directory, layout((), images))
    for line in sys.stdin.buffer:
        reply = obey(sink, command_in(line))
        sys.stdout.buffer.write(msgspec.json.encode(reply) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), WandbConfig.model_validate_json(sys.argv[2]), int(sys.argv[3]))

"""A service that works in turns, and between them is frozen with all that works for it. For bench/overhead.py."""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil


class Cores(NamedTuple):
    """Where the service runs, and where all else does."""

    service: Sequence[int]
    others: Sequence[int]


class Turn(NamedTuple):
    """What a service saw in one turn, and what it and those who work for it used since its turn before."""

    wall_s: Sequence[float]
    """Latencies."""
    model_s: Sequence[float]
    """CPU time of the model for each: the same with or without telemetry, but for how fast the machine was."""
    seconds: float
    cpu_s: float
    helpers_cpu_s: float
    threads_s: Mapping[str, float] = {}
    """CPU time of the service's threads by what they are for: with `cpu_s`, but for threads that have ended."""


class Frozen:
    """A service that says when it is ready, reads how much to do, line by line, and answers with a `Turn` as JSON."""

    def __init__(self, process: "subprocess.Popen[str]", helpers: Sequence[int], cores: Cores) -> None:
        """`helpers` are processes that work for it but are not its children."""
        self._process = process
        self._helpers = helpers
        self._cores = cores
        self._cpu_s = self._helpers_cpu_s = 0.0

    def wait_ready(self) -> None:
        """Let it start wherever there is room, then give it its core, and freeze it."""
        self._answer()
        pin(self._process.pid, self._cores.service)
        self.freeze()

    def turn(self, order: str) -> Turn:
        """Thaw, send a line, wait for the answer, freeze."""
        self.thaw()
        assert self._process.stdin
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        answer = json.loads(self._answer())
        totals = answer["cpu_s"], sum(sum(each.cpu_times()[:2]) for each in self._others())
        turn = Turn(**answer | {"cpu_s": totals[0] - self._cpu_s, "helpers_cpu_s": totals[1] - self._helpers_cpu_s})
        self._cpu_s, self._helpers_cpu_s = totals
        self.freeze()
        return turn

    def _answer(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, f"{self._process.args!r} has ended; its log says why"
        return line

    @property
    def has_helpers(self) -> bool:
        """Whether any process works for it."""
        return bool(self._others())

    def freeze(self) -> None:
        """Stop all of it."""
        for process in (psutil.Process(self._process.pid), *self._others()):
            if process.pid != self._process.pid:
                pin(process.pid, self._cores.others)
            process.suspend()

    def thaw(self) -> None:
        """Let it go on."""
        for process in (*self._others(), psutil.Process(self._process.pid)):
            process.resume()

    def _others(self) -> list[psutil.Process]:
        above = [psutil.Process(pid) for pid in (self._process.pid, *self._helpers)]
        return [*above[1:], *(below for process in above for below in process.children(recursive=True))]


@contextmanager
def frozen(
    command: Sequence[str], environ: Mapping[str, str], log: Path, helpers: Sequence[int], cores: Cores
) -> Iterator[Frozen]:
    """A service until the end of the block, where it ends by itself: its input is over.

    In a session of its own: stopped processes of ours would be hung up when the shell ends that started this.
    """
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        service = Frozen(process, helpers, cores)
        try:
            yield service
        finally:
            with suppress(psutil.NoSuchProcess):
                service.thaw()
            assert process.stdin
            process.stdin.close()
            process.wait(60)


def pin(pid: int, cores: Iterable[int]) -> None:
    """Keep every thread of a process on some cores."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(task.name), cores)

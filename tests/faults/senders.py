"""Senders in processes of their own. Each writes down what was answered, once it was answered.

`Senders` is the test's side; run as a program, this file is one sender. A request is sent `copies` times and, if it
fails, never again, unless the load `insists`: so what is not acknowledged may come out, but only once.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Literal, Self

import grpc
import grpc.aio
import msgspec

from tests.faults.otlp import EXPORT, EXPORT_LOGS, EXPORT_METRICS, SpanKey, counters, keys, request, verdicts

ROOT = Path(__file__).parents[2]
OK = "OK"
RETRY_INFO = "google.rpc.retryinfo-bin"
CHANNEL = [
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
]
RETRY_S = 0.2
LOOKS_UP_S = 1.0
"""How often a sender looks whether its test is still there."""
Signal = Literal["traces", "logs", "metrics"]
METHODS: Mapping[Signal, str] = {"traces": EXPORT, "logs": EXPORT_LOGS, "metrics": EXPORT_METRICS}


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What one sender does. `spans_per_s` 0: as fast as it is answered."""

    address: str
    spans_per_s: float = 0.0
    in_flight: int = 4
    max_spans: int = 20
    padding: int = 0
    prompt: int = 0
    copies: int = 1
    obeys: bool = True
    """Pauses when it is refused; else it goes on at once."""
    retry_s: float = RETRY_S
    """For how long, on average."""
    signal: Signal = "traces"
    insists: bool = False
    """Repeats what is not acknowledged until it is, or until `gives_up_s` after it was told to stop."""
    gives_up_s: int = 60
    """Longer than `Senders.stop` waits, which says so."""


class Answer(msgspec.Struct, frozen=True):
    """What a request was told: `OK`, or a status code, with `+retry` if it came with a RetryInfo."""

    code: str
    number: int
    spans: int
    took_s: float = 0.0
    """From the first byte sent to the answer."""


class Senders:
    """`count` sender processes from construction to `stop`, or to the end of the block."""

    def __init__(self, load: Load, directory: Path, count: int = 2, first: int = 1) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._numbers = range(first, first + count)
        self._ledgers = {number: directory / f"sender-{number}.jsonl" for number in self._numbers}
        with ExitStack() as undo:
            self._processes = [undo.enter_context(self._start(load, number)) for number in self._numbers]
            self._undo = undo.pop_all()

    def _start(self, load: Load, number: int) -> "subprocess.Popen[bytes]":
        text = msgspec.json.encode(load).decode()
        program = [sys.executable, "-m", "tests.faults.senders"]
        command = [*program, text, str(number), str(self._ledgers[number]), str(os.getpid())]
        return subprocess.Popen(command, cwd=ROOT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Let what is in flight be answered, and end."""
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        try:
            for process in self._processes:
                process.wait(30)
        finally:  # one that insists has nobody to insist on
            for process in self._processes:
                process.kill()
            self._undo.close()

    def answers(self) -> list[tuple[int, Answer]]:
        """All answers so far, each with its sender's number."""
        return [(number, answer) for number, path in self._ledgers.items() for answer in _answers(path)]

    def acknowledged(self) -> set[SpanKey]:
        """The spans of all requests that were answered with OK."""
        return {
            key for n, answer in self.answers() if answer.code == OK for key in keys(n, answer.number, answer.spans)
        }

    def codes(self) -> Counter[str]:
        """Requests by answer."""
        return Counter(answer.code for _, answer in self.answers())

    def spans(self) -> int:
        """What was sent and answered, taken or not."""
        return sum(answer.spans for _, answer in self.answers())

    def took_s(self, share: float) -> float:
        """The time within which that share of all requests was answered."""
        times = sorted(answer.took_s for _, answer in self.answers())
        return times[min(int(share * len(times)), len(times) - 1)]


def _answers(path: Path) -> list[Answer]:
    whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
    return [msgspec.json.decode(line, type=Answer) for line in whole.splitlines()]


class _Sender:
    """One process's requests, several in flight."""

    def __init__(self, load: Load, sender: int, ledger: Path) -> None:
        self._load = load
        self._sender = sender
        self._random = random.Random(sender)
        self._number = 0
        self._ledger = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop)
        async with grpc.aio.insecure_channel(self._load.address, options=CHANNEL) as channel:
            self._export: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
                METHODS[self._load.signal]
            )
            await asyncio.gather(*(self._repeat() for _ in range(self._load.in_flight)))

    def _stop(self) -> None:
        signal.alarm(self._load.gives_up_s)  # it ends the process
        self._stopping.set()

    async def _repeat(self) -> None:
        load = self._load
        while not self._stopping.is_set():
            self._number += 1
            number, spans = self._number, self._random.randint(1, load.max_spans)
            body = self._request(number, spans)
            begun_s = time.monotonic()
            code = await self._deliver(body)
            took_s = time.monotonic() - begun_s
            os.write(self._ledger, msgspec.json.encode(Answer(code, number, spans, took_s)) + b"\n")
            if load.spans_per_s:
                await self._pause(spans * load.in_flight / load.spans_per_s)
            elif code != OK and load.obeys:
                await self._pause(load.retry_s)

    def _request(self, number: int, spans: int) -> bytes:
        match self._load.signal:
            case "traces":
                return request(self._sender, number, spans, padding=self._load.padding, prompt=self._load.prompt)
            case "logs":
                return verdicts(self._sender, number, spans)
            case "metrics":
                return counters(number)

    async def _deliver(self, body: bytes) -> str:
        codes = [await self._send(body) for _ in range(self._load.copies)]
        while self._load.insists and OK not in codes:
            await asyncio.sleep(RETRY_S)
            codes.append(await self._send(body))
        return OK if OK in codes else codes[-1]

    async def _send(self, body: bytes) -> str:
        try:
            await self._export(body, timeout=10)
        except grpc.aio.AioRpcError as error:
            retry = any(name == RETRY_INFO for name, _ in error.trailing_metadata())
            return error.code().name + "+retry" * retry
        return OK

    async def _pause(self, mean_s: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), self._random.uniform(0, 2 * mean_s))
        except TimeoutError:
            return


def _end_with(parent: int) -> None:
    """A killed test stops nothing: who has no parent any more ends by itself."""
    while os.getppid() == parent:
        time.sleep(LOOKS_UP_S)
    os._exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Thread(target=_end_with, args=(int(sys.argv[4]),), daemon=True).start()
    asyncio.run(_Sender(msgspec.json.decode(sys.argv[1], type=Load), int(sys.argv[2]), Path(sys.argv[3])).run())

"""An app that knows nothing of Spanwand: model calls as spans of the global tracer, then one of the ways to end.

python tests/support/span_app.py WAY CALLS
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path

from opentelemetry import trace

INPUT_TOKENS = 100
OUTPUT_TOKENS = 7


def calls(count: int) -> None:
    """Make requests of one model call each."""
    tracer = trace.get_tracer("app")
    for _ in range(count):
        with tracer.start_as_current_span("make comic"), tracer.start_as_current_span("chat m") as span:
            span.set_attributes(
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "gpt-4o-mini",
                    "gen_ai.usage.input_tokens": INPUT_TOKENS,
                    "gen_ai.usage.output_tokens": OUTPUT_TOKENS,
                }
            )


def end(count: int) -> None:
    calls(count)


def sys_exit(count: int) -> None:
    calls(count)
    sys.exit(3)


def unhandled(count: int) -> None:
    calls(count)
    raise LookupError("nothing here")


def sigterm(count: int) -> None:
    """As gunicorn and uvicorn do: a handler that exits."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    calls(count)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)


def other_thread(count: int) -> None:
    """The main thread ends first; the app is not over before its other thread is."""

    def later() -> None:
        time.sleep(0.3)
        calls(count)

    threading.Thread(target=later).start()


def child(count: int) -> None:
    """A multiprocessing child that was forked, and its parent."""
    calls(count)
    process = multiprocessing.get_context("fork").Process(target=calls, args=(count,))
    process.start()
    process.join()


def forks(count: int) -> None:
    """A server that forks three workers after it has made calls itself, and goes on."""
    calls(count)
    trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined]  # of the SDK's provider
    pids = []
    for _ in range(3):
        pid = os.fork()
        if not pid:
            calls(count)
            sys.exit(0)
        pids.append(pid)
    calls(count)
    for pid in pids:
        os.waitpid(pid, 0)


def nothing(count: int) -> None:
    """Make no calls at all."""


def modules(count: int) -> None:
    """Say which heavy modules are there once spans have been exported."""
    calls(count)
    trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined]  # of the SDK's provider
    time.sleep(0.5)
    print(*{"grpc", "wandb", "pynvml", "spanwand_sidecar"}.intersection(sys.modules))


def own_wandb(count: int) -> None:
    """An app that uses wandb itself, and has weave in it (a stand-in), whose start must stay its own decision."""
    import wandb

    run = wandb.init(mode="offline", dir=os.environ["APP_DIR"], project="mine")
    weave = types.ModuleType("weave")
    weave.init = lambda *_: print("weave was started")  # type: ignore[attr-defined]
    sys.modules["weave"] = weave
    untouched(count)
    print("run:", wandb.run is run)
    run.log({"loss": 1.0})


def untouched(count: int) -> None:
    """Wait until both runs have begun, and say whether the process is as it was."""
    before = _process_state()
    calls(count)
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s and (_runs() < 2 or _process_state() != before):
        time.sleep(0.05)
    print("same:", _process_state() == before)


def _runs() -> int:
    return len(list(Path(os.environ["SPANWAND_DATA_DIR"]).rglob("run-*.wandb")))


def _process_state() -> tuple[object, ...]:
    """What belongs to the app."""
    return dict(os.environ), sys.stdout, sys.stderr, signal.getsignal(signal.SIGINT)


WAYS: dict[str, Callable[[int], None]] = {
    way.__name__: way
    for way in (end, sys_exit, unhandled, sigterm, other_thread, child, forks, nothing, modules, own_wandb, untouched)
}

if __name__ == "__main__":
    WAYS[sys.argv[1]](int(sys.argv[2]))

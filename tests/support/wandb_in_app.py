"""Small apps that hold our W&B sink in their own process; run as `python -m tests.support.wandb_in_app NAME DIR`."""

import os
import signal
import sys
from pathlib import Path

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.config import WandbConfig
from spanwand.outcomes import Delivered
from spanwand.sinks.wandb.sink import WandbSink
from spanwand.tables import TABLES, columns

CONFIG = WandbConfig(mode="offline")
WIDTH = len(columns("requests"))


def batch(number: int) -> Batch:
    """One point and one row."""
    row = (f"{number:032x}", *[None] * (WIDTH - 1))
    update = RunUpdate(
        run=RunKey(group="group", job_type="job", name="ours"),
        config={},
        points={"llm/requests": number},
        rows={"requests": (row,)},
    )
    return Batch(seq=number, low=0, start_ns=number * 10**10, end_ns=(number + 1) * 10**10, updates=(update,))


def beside_a_run_of_the_app(directory: Path) -> None:
    """The app has a run, an environment and signal handlers of its own; none of it changes."""
    import wandb

    run = wandb.init(mode="offline", project="app", dir=directory, settings=wandb.Settings(silent=True, console="off"))
    run.log({"loss": 1.0})
    before = dict(os.environ), [signal.getsignal(number) for number in signal.valid_signals()], sys.stdout, sys.stderr
    sink = WandbSink(CONFIG, directory / "ours")
    assert sink.write(batch(1)) == Delivered()
    assert wandb.run is run
    run.log({"loss": 0.5})
    sink.close(10)
    run.log({"loss": 0.25})
    assert wandb.run is run
    after = dict(os.environ), [signal.getsignal(number) for number in signal.valid_signals()], sys.stdout, sys.stderr
    assert before == after
    run.finish()


def prefork(directory: Path) -> None:
    """A parent that has written, a child that writes too and a child that does not; both end as programs do."""
    sink = WandbSink(CONFIG, directory / "parent")
    assert sink.write(batch(1)) == Delivered()
    for child in ("idle", "busy"):
        pid = os.fork()
        if not pid:
            if child == "busy":
                own = WandbSink(CONFIG, directory / child)
                assert own.write(batch(1)) == Delivered()
                own.close(10)
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    assert sink.write(batch(2)) == Delivered()
    sink.close(10)


def exit_without_close(directory: Path) -> None:
    """An app that just ends."""
    assert WandbSink(CONFIG, directory).write(batch(1)) == Delivered()


def rollover(directory: Path) -> None:
    """More increments than one history key gets, without the wait for a proof between them."""
    from spanwand.sinks.wandb.evidence import Position
    from spanwand.sinks.wandb.run import OpenRun
    from spanwand.sinks.wandb.settings import Common, find_server, run_settings

    server = find_server(CONFIG)
    run = OpenRun(Common(server, run_settings(server, CONFIG, directory), TABLES), batch(1).updates[0], batch(1))
    for number in range(1, 251):
        run.log(batch(number).updates[0], "requests", Position(number, number))
        run.pending.clear()
    run.finish()


PROGRAMS = {
    function.__name__: function for function in (beside_a_run_of_the_app, prefork, exit_without_close, rollover)
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](Path(sys.argv[2]))

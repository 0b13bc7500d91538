"""Uploads all that a directory has and W&B has not: runs made offline, and runs that were cut short (R46)."""

from collections.abc import Iterator
from pathlib import Path

from spanwand.config import WandbConfig
from spanwand.errors import SpanwandError
from spanwand.sinks.wandb.complete import Verdict, complete_all
from spanwand.sinks.wandb.directories import own_process, runs_directory
from spanwand.sinks.wandb.key import find_api_key, find_base_url, has_identity_token
from spanwand.sinks.wandb.ledger import Ledger
from spanwand.sinks.wandb.lock import DirectoryLock
from spanwand.sinks.wandb.refusals import Refusals
from spanwand.sinks.wandb.settings import Server
from spanwand.sinks.wandb.verdicts import record


def sync(directory: Path, config: WandbConfig) -> Iterator[Verdict]:
    """Complete the runs below `directory` that are not verified yet, in this process.

    What is at W&B already is not sent again. Raises SpanwandError if there is nothing, no key, or a sink at work.
    """
    base_url = find_base_url(config.base_url)
    server = Server(base_url, "online", find_api_key(base_url))
    if not runs_directory(directory).is_dir():
        raise SpanwandError(f"{directory} holds no W&B runs of a daemon")
    if not (server.api_key or has_identity_token()):
        raise SpanwandError(f"no W&B API key for {base_url}: set WANDB_API_KEY, or log in with `wandb login`")
    own_process(directory)
    lock, ledger = DirectoryLock(directory), Ledger(directory)
    try:
        lock.take()
    except OSError as error:
        raise SpanwandError(f"{error}: a daemon completes its own runs; stop it to do it from here") from None
    try:
        ledger.recover()
        yield from _sync(directory, ledger, config, server)
    finally:
        lock.release()


def _sync(directory: Path, ledger: Ledger, config: WandbConfig, server: Server) -> Iterator[Verdict]:
    runs = [run for run in ledger.closed() if run.upload != "verified"]
    refusals = Refusals(directory)
    for verdict in complete_all(directory, runs, config, server):
        record(verdict, ledger, refusals)
        yield verdict

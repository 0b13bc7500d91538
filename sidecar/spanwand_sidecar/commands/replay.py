"""`spanwand replay`."""

from pathlib import Path

import click

from spanwand.errors import ConfigError
from spanwand_sidecar.commands.places import find_journal, line, unreadable_is_2
from spanwand_sidecar.commands.settings import config_option, load_config
from spanwand_sidecar.config import Config
from spanwand_sidecar.journal.watch import key_of
from spanwand_sidecar.names.step import without_names
from spanwand_sidecar.replay import Replayed, batches, deliver
from spanwand_sidecar.sinks import check, openers

CLOSE_S = 60.0


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--from", "position", type=click.IntRange(0), default=0, help="First position; else all that is kept.")
@click.option("--sink", default="jsonl", show_default=True, help="jsonl, wandb (offline runs) or memory (counts only).")
@click.option(
    "--out", type=click.Path(path_type=Path), default="replayed", show_default=True, help="New directory of the sink."
)
@config_option
def replay(directory: Path, position: int, sink: str, out: Path, config_file: Path | None) -> None:
    """Run the line over the journal in DIR (or a copy of it) once more, into a sink of its own.

    DIR is only read, a daemon may be using it. The same journal and configuration give the same batches with the same
    numbers. Exits 1 if some of it could not be read or written, 2 if none of it.
    """
    config = _with_sink(load_config(config_file).config, sink)
    out = out.expanduser().absolute()
    with unreadable_is_2():
        watched = find_journal(directory, config)
        items = watched.frames(key_of(watched, config.journal), position)
        pipeline = line(watched, config)
    if sink != "memory" and out.is_dir() and any(out.iterdir()):
        raise ConfigError(f"--out: {out} is not empty; a replay wants a directory of its own")
    with without_names(config) as clean:
        target, done = openers(config, out)[sink](), Replayed()
        try:
            for batch in batches(pipeline, items, done):
                deliver(target.write, clean(batch), done)
        finally:
            target.close(CLOSE_S)
    click.echo(summary(done, "" if sink == "memory" else str(out)))
    raise SystemExit(1 if done.damaged or done.failed_frames or done.rejected else 0)


def summary(done: Replayed, out: str) -> str:
    """What was done, in one line."""
    troubles = {
        "unreadable or missing stretches": done.damaged,
        "frames the line failed on": done.failed_frames,
        "refused batches": done.rejected,
    }
    told = "".join(f", {what}: {count}" for what, count in troubles.items() if count)
    return f"{done.frames} frames up to {done.end}: {done.batches} batches{f' in {out}' if out else ''}{told}"


def _with_sink(config: Config, sink: str) -> Config:
    """One sink, and nothing that goes over the network."""
    offline = config.wandb.model_copy(update={"mode": "offline"})
    config = config.model_copy(update={"sinks": (sink,), "wandb": offline})
    check(config)
    return config

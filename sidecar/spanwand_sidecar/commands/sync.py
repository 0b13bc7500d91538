"""`spanwand sync`."""

from itertools import chain
from pathlib import Path

import click

from spanwand.sinks.wandb.directories import runs_directory
from spanwand.sinks.wandb.sync import sync as sync_runs
from spanwand_sidecar.commands.settings import config_option, load_config
from spanwand_sidecar.config import data_dir


@click.command()
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@config_option
def sync(directory: Path | None, config_file: Path | None) -> None:
    """Upload W&B runs that are only on disk, and verify by reading back that W&B has all of them.

    DIR is a data directory of a daemon or of apps, or a `wandb` folder in one; by default the configured one. Nobody
    may be writing there. A second call changes nothing. Exits 1 if a run is not complete.
    """
    config = load_config(config_file).config
    directory = directory or data_dir(config)
    verified = incomplete = 0
    for verdict in chain.from_iterable(sync_runs(folder, config.wandb) for folder in _folders(directory)):
        verified, incomplete = verified + verdict.is_verified, incomplete + (not verdict.is_verified)
        click.echo(f"{verdict.run_id}  {verdict.why or 'complete'}")
    click.echo(f"{verified} runs are complete at W&B now, {incomplete} are not")
    if incomplete:
        raise SystemExit(1)


def _folders(directory: Path) -> list[Path]:
    """The folders with runs: a daemon has one, each process of an app another."""
    candidates = (directory, directory / "wandb", *sorted(directory.glob("in-process/*/wandb")))
    return [folder for folder in candidates if runs_directory(folder).is_dir()] or [directory]

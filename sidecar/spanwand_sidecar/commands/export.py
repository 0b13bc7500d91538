"""`spanwand export`."""

from pathlib import Path

import click

from spanwand.stored.rows import StoredRows
from spanwand.tables import GENERATIONS, TABLES
from spanwand_sidecar.commands.places import unreadable_is_2
from spanwand_sidecar.commands.settings import config_option, load_config
from spanwand_sidecar.config import data_dir
from spanwand_sidecar.row_files import FORMATS, check_format, whole_file


@click.command()
@click.argument("path", metavar="[PATH]", required=False, type=click.Path(path_type=Path))
@click.option("--table", type=click.Choice(list(TABLES)), default=GENERATIONS, show_default=True)
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="By default what OUTPUT ends in.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The file; `-`: the standard output.")
@config_option
def export(path: Path | None, table: str, form: str | None, output: Path, config_file: Path | None) -> None:
    """Write all rows of a table into one file.

    PATH is what `spanwand read` takes: a run's folder, a W&B folder, a batches.jsonl or a data directory; or a dataset
    downloaded from W&B; without it, the configured data directory. A request that late spans amended is there once, as
    it was last. Exits 1 if rows are missing, 2 if nothing can be read or written.
    """
    form = form or output.suffix.removeprefix(".")
    if form not in FORMATS:
        raise click.UsageError(f"--format: one of {', '.join(FORMATS)}")
    if form == "parquet" and str(output) == "-":
        raise click.UsageError("--output: Parquet needs a file")
    with unreadable_is_2():
        check_format(form)
        rows = StoredRows(path or data_dir(load_config(config_file).config), table)
        with whole_file(output) as file:
            count = FORMATS[form](file, rows.columns, rows)
    for note in rows.notes:
        click.echo(f"! {note}", err=True)
    for name, cells in rows.unfit.items():
        click.echo(f"! {cells} cells were not of the type of column {name} and are empty", err=True)
    click.echo(f"{count:,} rows of {table} in {output}", err=True)
    raise SystemExit(1 if rows.notes else 0)

"""`spanwand up`."""

import logging
import os
import sys
from pathlib import Path

import click

from spanwand.prices.book import read_prices
from spanwand_sidecar import log, process
from spanwand_sidecar.commands.settings import config_option, load_config, setting_options
from spanwand_sidecar.errors import CannotStart
from spanwand_sidecar.names.engine import check as check_names
from spanwand_sidecar.sinks import check


@click.command()
@config_option
@setting_options
def up(config_file: Path | None, **flags: object) -> None:
    """Start the daemon; SIGTERM or Ctrl-C stops it, a second one at once.

    Exit codes: 0 stopped, 1 a port or the data directory is taken or unusable, 2 wrong configuration, 130 or 143 cut
    short by a second SIGINT or SIGTERM.
    """
    config = load_config(config_file, flags).config
    check(config)
    read_prices(config.price)  # a mistake in there is an error before anything is touched
    check_names(config.redact.presidio)
    log.start(config.log)
    process.prepare()
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # gRPC's own lines have another form, and errors reach us anyway
    from spanwand_sidecar.daemon import run
    from spanwand_sidecar.receive.addresses import CannotListen

    try:
        code = run(config)
    except CannotListen as error:
        raise CannotStart(f"{error}; choose another with --grpc or --http") from None
    logging.shutdown()
    sys.stdout.flush()
    # Every part has had its time; what hangs still (a sink's library, its exit hooks) must not keep the process.
    os._exit(code)

"""`python -m tests.support.wandb_server --port-file F`: serve until SIGTERM or SIGINT."""

import argparse
import signal
from pathlib import Path

from tests.support.wandb_server.server import WandbServer


def main() -> None:
    """Serve, and write the port to the file when ready. State: GET /control/state."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--entity", default="team")
    arguments = parser.parse_args()
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with WandbServer(entity=arguments.entity) as server:
        unfinished = arguments.port_file.with_suffix(".part")
        unfinished.write_text(str(server.port))
        unfinished.rename(arguments.port_file)
        signal.sigwait(signals)


main()

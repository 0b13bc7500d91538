"""Where the `spanwand` script starts: says what to install when the daemon's libraries are missing.

Ctrl-C ends it without a traceback even while it is still importing.
"""

import sys

INTERRUPTED = 130
"""What a shell says of a command that Ctrl-C has ended."""


def main() -> None:
    """Run the command line. A subcommand's own imports come when it is called."""
    try:
        from spanwand_sidecar.cli import main as command_line

        command_line()
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("spanwand"):
            raise
        sys.exit(_missing(error.name))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _missing(module: str | None) -> int:
    sys.stderr.write(f"spanwand: the module {module} is missing; pip install 'spanwand[sidecar]'\n")
    return 2

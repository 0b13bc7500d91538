"""`spanwand demo`."""

import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import click
import msgspec

from spanwand.errors import ConfigError

NEEDED = ("openai", "opentelemetry.instrumentation.genai.openai", "opentelemetry.processor.baggage", "PIL", "wandb")


@click.command()
@click.option("--comics", type=click.IntRange(1, 1_000), default=12, show_default=True, help="How many comics to make.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Empty directory for the data; else a temporary one.")
@click.option("--keep/--no-keep", default=True, show_default=True, help="Leave a temporary directory behind.")
@click.option("--json", "as_json", is_flag=True, help="Print runs and comparison as JSON; progress goes to stderr.")
def demo(comics: int, data_dir: Path | None, keep: bool, as_json: bool) -> None:  # noqa: FBT001  # click
    """Show it all on this machine: a daemon, an app that calls a stand-in of the OpenAI API, and what landed.

    Needs no account and no network. Exits 1 unless every sum read back from the W&B runs equals what the app sent.
    """
    require_extras()
    from rich.console import Console

    from spanwand_sidecar.demo import show
    from spanwand_sidecar.demo.run import run

    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell's `&` had them ignored
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    console = Console(stderr=as_json)
    with directory(data_dir, keep=keep) as folder:
        with show.watching(console, comics) as watch:
            result = run(folder, comics, watch)
        if as_json:
            click.echo(msgspec.json.encode({"equal": result.equal, "result": result}, enc_hook=str))
        else:
            show.everything(result, console, kept=keep or data_dir is not None)
    sys.exit(0 if result.equal else 1)


def require_extras() -> None:
    """Raise ConfigError if a package of the `demo` extra is missing."""
    missing = [name for name in NEEDED if not installed(name)]
    if missing:
        raise ConfigError(f"spanwand demo needs {', '.join(missing)}; pip install 'spanwand[demo]'")


def installed(module: str) -> bool:
    """Whether a module, or the package it is in, can be found."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@contextmanager
def directory(given: Path | None, *, keep: bool) -> Iterator[Path]:
    """The given directory, which has to be empty; else a temporary one, removed afterwards unless it is to be kept."""
    folder = given.expanduser().absolute() if given else Path(tempfile.mkdtemp(prefix="spanwand-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ConfigError(f"--data-dir: {folder} is not empty; the demo wants a directory of its own")
    try:
        yield folder
    finally:
        if given is None and not keep:
            shutil.rmtree(folder)

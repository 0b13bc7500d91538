"""`spanwand check-config`."""

from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

import click
import yaml
from pydantic import BaseModel

from spanwand.load import Loaded, keys
from spanwand.prices.book import read_prices
from spanwand.redactors.rules import compile_rules
from spanwand_sidecar.commands.idle_rules import idle_rules
from spanwand_sidecar.commands.settings import config_option, load_config
from spanwand_sidecar.config import Config
from spanwand_sidecar.names.engine import check as check_names
from spanwand_sidecar.sinks import check, missing


@click.command("check-config")
@config_option
def check_config(config_file: Path | None) -> None:
    """Print the effective configuration as YAML, each value that is no default with its origin."""
    loaded = load_config(config_file)
    check(loaded.config)
    read_prices(loaded.config.price)
    compile_rules(loaded.config.redact)
    check_names(loaded.config.redact.presidio)
    for line in render(loaded):
        click.echo(line)
    for why in filter(None, (missing(loaded.config), *idle_rules(loaded.config))):
        click.echo(f"spanwand: {why}", err=True)


def render(loaded: Loaded[Config]) -> Iterator[str]:
    """The configuration as lines of YAML."""
    shown: tuple[str, ...] = ()
    for key, _ in keys(Config):
        *sections, name = key.split(".")
        for depth, section in enumerate(sections):
            if shown[: depth + 1] != tuple(sections[: depth + 1]):
                yield f"{'  ' * depth}{section}:"
        shown = tuple(sections)
        origin = loaded.origins.get(key)
        value = _yaml(attrgetter(key)(loaded.config))
        yield f"{'  ' * len(sections)}{name}: {value}{f'  # {origin}' if origin else ''}"


def _yaml(value: object) -> str:
    plain = [_plain(item) for item in value] if isinstance(value, tuple) else _plain(value)
    return yaml.safe_dump(plain, default_flow_style=True, width=10**6).removesuffix("...\n").strip()


def _plain(value: object) -> object:
    return value.model_dump(mode="json", exclude_defaults=True) if isinstance(value, BaseModel) else value

"""Sinks: where batches go. To add one: a module with a factory, a line here, a line in the sink contract suite.

A factory takes the line's configuration and a directory that belongs to the sink alone. It is imported when the sink
is opened, so that nobody pays for a sink that is not used. Other packages add sinks by the entry-point group
`spanwand.sinks`.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import resolve_name

from spanwand.config import LineConfig
from spanwand.errors import ConfigError
from spanwand.ports import Sink

Factory = Callable[[LineConfig, Path], Sink]

SINKS: Mapping[str, str] = {
    "jsonl": "spanwand.sinks.jsonl:open_sink",
    "memory": "spanwand.sinks.memory:open_sink",
    "wandb": "spanwand.sinks.wandb:open_sink",
} | {entry.name: entry.value for entry in entry_points(group="spanwand.sinks")}
"""Name in the configuration -> factory, as `module:function`."""


def open_sink(name: str, config: LineConfig, directory: Path) -> Sink:
    """Make the sink of that name. Raises ConfigError if there is none."""
    if name not in SINKS:
        raise ConfigError(f"sinks: there is no sink {name!a}; there are {', '.join(sorted(SINKS))}")
    factory: Factory = resolve_name(SINKS[name])
    return factory(config, directory)

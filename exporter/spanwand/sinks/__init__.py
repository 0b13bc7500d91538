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

BUILT_IN: Mapping[str, str] = {
    "jsonl": "spanwand.sinks.jsonl:open_sink",
    "memory": "spanwand.sinks.memory:open_sink",
    "wandb": "spanwand.sinks.wandb:open_sink",
}
"""Name in the configuration -> factory, as `module:function`."""


def find_sink(name: str) -> str:
    """The factory of the sink of that name. Raises ConfigError if there is none."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    known = {entry.name: entry.value for entry in entry_points(group="spanwand.sinks")} | dict(BUILT_IN)
    if name not in known:
        raise ConfigError(f"sinks: there is no sink {name!a}; there are {', '.join(sorted(known))}")
    return known[name]


def open_sink(name: str, config: LineConfig, directory: Path) -> Sink:
    """Make the sink of that name. Raises ConfigError if there is none."""
    factory: Factory = resolve_name(find_sink(name))
    return factory(config, directory)

"""Weights & Biases. The only package that imports wandb, and only when the first batch is written or a run is read."""

from pathlib import Path

from spanwand.config import LineConfig
from spanwand.ports import Sink
from spanwand.sinks.wandb.directories import is_own_process, own_process
from spanwand.sinks.wandb.key import find_api_key, find_base_url
from spanwand.tables import layout

__all__ = ["find_api_key", "find_base_url", "open_sink", "own_process"]


def open_sink(config: LineConfig, directory: Path) -> Sink:
    """The factory of the registry. In a process that is ours it takes up at once what earlier ones left."""
    from spanwand.sinks.wandb.sink import WandbSink  # on the sink's thread: a start does not wait for it

    has_links = bool(config.tables.trace_url)
    tables = layout(config.gather.request_attributes, config.media.columns, has_links=has_links)
    sink = WandbSink(config.wandb, directory, tables)
    if is_own_process(directory):
        sink.take_up()
    return sink

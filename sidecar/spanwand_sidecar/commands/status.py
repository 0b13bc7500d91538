"""`spanwand status`."""

import http.client
import time
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from spanwand.errors import SpanwandError
from spanwand.gpu_sample import GpuSample
from spanwand_sidecar.commands.settings import config_option, load_config
from spanwand_sidecar.config import Config, data_dir
from spanwand_sidecar.deliver import SinkStatus
from spanwand_sidecar.endpoints import read_endpoints
from spanwand_sidecar.gpu.ticker import GpuStatus
from spanwand_sidecar.receive.addresses import split_host_port
from spanwand_sidecar.status import Received, Status

TIMEOUT_S = 5.0


@click.command()
@config_option
@click.option("--admin", metavar="ADDRESS", help="The daemon's admin address: host:port.")
@click.option("--data-dir", metavar="DIR", help="The daemon's data directory.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole document.")
def status(config_file: Path | None, admin: str | None, data_dir: str | None, as_json: bool) -> None:  # noqa: FBT001  # click
    """Ask a running daemon how it is. Exits 1 if there is none, or if it is not ready."""
    config = load_config(config_file, {"data_dir": data_dir}).config
    address = admin or find_admin(config)
    document = ask(address)
    found = msgspec.json.decode(document, type=Status)
    click.echo(document.decode() if as_json else "\n".join(render(found)))
    if not found.ready:
        raise SystemExit(1)


def find_admin(config: Config) -> str:
    """The address in the data directory's endpoints file, else the configured one."""
    endpoints = read_endpoints(data_dir(config))
    return endpoints.admin if endpoints else config.listen.admin


def ask(address: str) -> bytes:
    """The status document of the daemon at `address`. Raises SpanwandError if there is none."""
    try:
        host, port = split_host_port(address)
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        connection.request("GET", "/status")
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise SpanwandError(f"no daemon answers at {address}: {error}; start one with: spanwand up") from None
    if answer.status != 200:
        raise SpanwandError(f"{address} is no Spanwand daemon: HTTP {answer.status}")
    return body


def render(found: Status) -> Iterator[str]:
    """The document for a person."""
    place = found.endpoints
    yield f"spanwand {found.version}, process {place.pid}, up {_duration(found.uptime_s)}"
    yield f"{'ready' if found.ready else 'NOT READY'}{''.join(f'{chr(10)}  {reason}' for reason in found.reasons)}"
    yield f"listens   grpc {' '.join(place.grpc)}  http {place.http}  admin {place.admin}"
    yield f"data      {place.data_dir}"
    yield f"received  {_received(found.received)}"
    refused = ", ".join(f"{count} {reason}" for reason, count in sorted(found.received.refused.items()) if count)
    yield f"refused   {f'requests: {refused}' if refused else 'nothing'}"
    dropped = ", ".join(f"{count} {reason}" for reason, count in sorted(found.line.dropped.items()))
    yield f"dropped   {dropped or 'nothing'}"
    journal = found.journal
    yield (
        f"journal   {_bytes(journal.backlog_bytes)} not in every sink, oldest {_duration(journal.oldest_undelivered_s)}"
        f"; {_bytes(journal.size_bytes)} on disk of {_bytes(journal.max_bytes)}"
    )
    for name, sink in found.sinks.items():
        yield f"sink      {name}: {_sink(sink)}"
        yield from (f"          {note}" for note in sink.notes)
    yield f"gpus      {_gpus(found.gpus)}"
    yield from (f"          {_gpu(device)}" for device in found.gpus.devices)


def _received(counts: Received) -> str:
    others = {"log records": counts.log_records, "metrics": counts.metrics}
    items = [f"{counts.spans} spans", *(f"{count} {name}" for name, count in others.items() if count)]
    return ", ".join((*items, _bytes(counts.bytes)))


def _sink(sink: SinkStatus) -> str:
    retry = f", next try in {max(sink.next_retry_s - time.time(), 0):.0f} s" if sink.next_retry_s else ""
    why = f": {sink.why}" if sink.why else ""
    return (
        f"{sink.state}, {sink.outcomes.get('delivered', 0)} batches delivered, {sink.undelivered} waiting{retry}{why}"
    )


def _gpus(found: GpuStatus) -> str:
    why = f": {found.why}" if found.why else ""
    refused = f", {found.refused} readings refused by the journal" if found.refused else ""
    return f"{found.state}{why}{refused}"


def _gpu(device: GpuSample) -> str:
    known = {
        device.sharing: True,
        f"{(device.utilization or 0):.0%} busy": device.utilization is not None,
        f"{(device.power_w or 0):.0f} W": device.power_w is not None,
        f"{_bytes(device.memory_used_bytes or 0)} in use": device.memory_used_bytes is not None,
    }
    figures = [text for text, is_known in known.items() if text and is_known]
    return f"{device.index} {device.name}: {device.trouble or ', '.join(figures) or 'nothing is known'}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _bytes(count: int) -> str:
    size, units = float(count), ["B", "KiB", "MiB", "GiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.0f} {units[0]}" if units[0] == "B" else f"{size:.1f} {units[0]}"

"""R40: whatever spans name, nothing is asked for but the configured W&B: no other host, no name, no file.

The test runs in a network of its own, in which every address is this machine, and all packets are seen. `main` is what
runs in there.
"""

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.support import daemon
from tests.support.wandb_server import WandbServer
from tests.support.wandb_server.environment import environment

ROOT = Path(__file__).parents[2]
ALONE = "ip link set lo up && ip route add local default dev lo && ip -6 route add local default dev lo; exec "
IPV4, IPV6 = 0x0800, 0x86DD
CONTROL = ("203.0.113.99", 9)
"""Asked for by the test itself: the recorder has to see it."""
HOSTILE = "http://198.51.100.7:8080"
RESOURCE = {
    "service.name": "shop",
    "wandb.entity": "mallory",
    "wandb.project": "stolen",
    "wandb.base_url": HOSTILE,
    "WANDB_BASE_URL": HOSTILE,
    "wandb.api_key": "x" * 40,
    "telemetry.sdk.endpoint": f"{HOSTILE}/v1/traces",
}
PICTURES = ("image.png", "https://pictures.invalid/1.png", "file:///etc/passwd", "s3://bucket/key", f"{HOSTILE}/1.png")
ATTRIBUTES: dict[str, str] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": f"{HOSTILE}/provider",
    "gen_ai.request.model": f"{HOSTILE}/model",
    "server.address": "models.invalid",
    "url.full": f"{HOSTILE}/v1/chat",
    "gen_ai.input.messages": json.dumps(
        [{"role": "user", "parts": [{"type": "uri", "modality": "image", "uri": picture}]} for picture in PICTURES]
    ),
    "gen_ai.output.messages": json.dumps([{"type": "image_url", "image_url": {"url": f"{HOSTILE}/out.png"}}]),
    "llm.image": "wandb-artifact://mallory/stolen/picture:latest",
    "wandb.artifact": f"wandb-client-artifact://{'0' * 128}/x.table.json",
}


@pytest.mark.slow
def test_spans_cause_no_connection_but_to_wandb(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "tests.faults.test_backend_outbound", str(tmp_path)]
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode:
        pytest.skip("cannot make a network namespace")
    command = ["unshare", "--net", "sh", "-c", ALONE + '"$@"', "sh", *program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["destinations"] == sorted(["127.0.0.1", CONTROL[0]])
    assert found["projects"] == [["team", "spanwand"]]
    assert found["rows"] == 2, "or it was not tried"
    assert "pictures.invalid" in found["content"], "or it was not tried"
    assert "root:" not in found["content"]


class Recorder:
    """Where all packets of this network go."""

    def __init__(self) -> None:
        self.destinations: set[str] = set()
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        threading.Thread(target=self._record, daemon=True).start()

    def _record(self) -> None:
        while True:
            packet, (_, protocol, *_) = self._socket.recvfrom(128)
            if protocol == IPV4:
                self.destinations.add(socket.inet_ntop(socket.AF_INET, packet[16:20]))
            elif protocol == IPV6:
                self.destinations.add(socket.inet_ntop(socket.AF_INET6, packet[24:40]))


def send(address: str) -> None:
    """Two traces of one hostile call each."""
    provider = TracerProvider(resource=Resource(RESOURCE), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"http://{address}", insecure=True)))
    for _ in range(2):
        provider.get_tracer("app").start_span("chat", attributes=ATTRIBUTES).end()
    provider.shutdown()


def main(directory: Path) -> dict[str, Any]:
    """Send them to a daemon that is to deliver to W&B; returns what happened."""
    recorder = Recorder()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        control.sendto(b"seen?", CONTROL)
    with WandbServer() as server:
        settings = {"SINKS": "wandb", "REDACT__POLICY": "redacted", **daemon.WINDOW}
        environ = environment(server.url, directory / "home") | daemon.environment(directory / "data", **settings)
        with subprocess.Popen([*daemon.COMMAND, "up"], env=environ, stderr=subprocess.PIPE, text=True) as process:
            running = daemon.RunningDaemon(process, directory / "data")
            send(running.endpoints.grpc[0])
            daemon.until(lambda: [run for run in server.runs if server.tables(run).get("generations")], 60)
            running.stop()
        tables = [table for run in server.runs for name, table in server.tables(run).items() if name == "generations"]
        return {
            "destinations": sorted(recorder.destinations),
            "projects": sorted({(run.entity, run.project) for run in server.runs}),
            "rows": sum(len(table.rows) for table in tables),
            "content": json.dumps([table.rows for table in tables]),
        }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))

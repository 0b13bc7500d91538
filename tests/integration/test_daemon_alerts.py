"""E3, P2: calls that fail, from a stock SDK through the daemon, are one alert of their run at W&B, kill or no kill."""

from pathlib import Path

import pytest
import tests.support.daemon as support
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import StatusCode
from tests.integration.test_daemon_wandb_down import CHAT, SETTINGS, daemon
from tests.support.daemon import RunningDaemon, until
from tests.support.wandb_server import WandbServer, environment

ALERTS = {"SPANWAND_ALERTS": "[{figure: error_rate, above: 0.5, over_s: 1, at_least: 1, level: ERROR}]"}


def fail(sidecar: RunningDaemon) -> None:
    """Send one request with one failed call."""
    provider = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"http://{sidecar.endpoints.grpc[0]}", insecure=True)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("app")
    with tracer.start_as_current_span("make comic"), tracer.start_as_current_span("chat", attributes=CHAT) as call:
        call.set_status(StatusCode.ERROR)
    provider.shutdown()


def errors(server: WandbServer) -> int:
    runs = [run for run in server.runs if run.display_name == "shop"]
    return sum(row.get("llm/errors", 0) for run in runs for row in server.history(run))


@pytest.mark.slow
def test_failed_calls_are_one_alert(tmp_path: Path) -> None:
    with WandbServer() as server:
        wandb = environment.environment(server.url, tmp_path / "home")
        environ = wandb | support.environment(tmp_path / "data", **SETTINGS) | ALERTS
        with daemon(environ, tmp_path / "data") as sidecar:
            for number in (1, 2):
                fail(sidecar)
                until(lambda number=number: errors(server) == number)  # type: ignore[misc]  # lambda
            sidecar.kill()
        with daemon(environ, tmp_path / "data") as sidecar:
            fail(sidecar)
            until(lambda: errors(server) == 3)
            sidecar.stop()
        (alert,) = [alert for run in server.runs for alert in run.alerts]
        assert (alert["title"], alert["severity"]) == ("error_rate above 0.5", "ERROR")
        assert alert["text"].startswith("shop@default, shop: error_rate is 1 over the 1 s until 20")
        assert server.problems() == []

"""The demo's children: the daemon and the app. Both are ended when the demo ends, however it ends."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from spanwand.errors import SpanwandError
from spanwand_sidecar.demo import comic
from spanwand_sidecar.demo.openai_api import API_KEY
from spanwand_sidecar.endpoints import read_endpoints
from spanwand_sidecar.status import Endpoints

START_TIMEOUT_S = 20.0
GRACE_S = 15.0
FOREIGN = ("SPANWAND_", "WANDB_", "OTEL_", "OPENAI_")
"""Variables of the user's that would change what the demo shows, or where it sends."""
LOG_TAIL_CHARS = 2_000


def demo_settings(data_dir: Path) -> dict[str, object]:
    """The daemon's configuration: free ports, no account, windows short enough to watch."""
    anywhere = "127.0.0.1:0"
    return {
        "data_dir": str(data_dir),
        "journal": {"key_dir": str(data_dir / "keys")},
        "listen": {"grpc": [anywhere], "http": anywhere, "admin": anywhere},
        "wandb": {"mode": "offline", "project": "spanwand-demo"},
        "aggregate": {"window_s": 1, "rows_interval_s": 2},
        "gather": {"settle_s": 0.5, "request_attributes": ["comic.id"]},
        "sample": {"rows_per_minute": 1_000_000},  # all of them: they are compared with what the app counted
        "gpu": {"reader": "scripted", "interval_s": 0.05, "attribution": {"providers": [comic.IMAGE_PROVIDER]}},
        "grace_s": GRACE_S,
    }


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The user's environment without what is not the demo's business."""
    return {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)} | dict(extra)


@contextmanager
def child(command: Sequence[str], env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own session, so that a Ctrl-C reaches it through us only; its stdout is piped, stderr logged."""
    with log.open("a") as errors:
        process = subprocess.Popen(  # noqa: S603  # our own command line
            command, env=env, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Ask the process to end; after the grace period end it and all that it started."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE_S + 5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.stdout:
        process.stdout.close()


@contextmanager
def daemon(data_dir: Path, settings: Mapping[str, object]) -> Iterator[Endpoints]:
    """`spanwand up`, ready to receive; stopped gracefully at the end of the block."""
    config, log = data_dir / "demo.yaml", data_dir / "daemon.log"
    config.write_text(yaml.safe_dump(dict(settings), sort_keys=False))
    command = [sys.executable, "-m", "spanwand_sidecar", "up", "--config", str(config)]
    with child(command, environment({}), log) as process:
        yield _wait_until_ready(process, data_dir, log)
    if process.returncode:
        raise SpanwandError(f"the daemon ended with {process.returncode}:\n{tail(log)}")


def _wait_until_ready(process: subprocess.Popen[str], data_dir: Path, log: Path) -> Endpoints:
    deadline = time.monotonic() + START_TIMEOUT_S
    while (found := read_endpoints(data_dir)) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise SpanwandError(f"the daemon did not start:\n{tail(log)}")
        time.sleep(0.02)
    return found


@contextmanager
def app(endpoints: Endpoints, openai_url: str, comics: int, log: Path) -> Iterator[subprocess.Popen[str]]:
    """The comic app under `opentelemetry-instrument`, as anyone would run it."""
    instrument = shutil.which("opentelemetry-instrument", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
    if instrument is None:
        raise SpanwandError("opentelemetry-instrument is not installed; pip install 'spanwand[demo]'")
    env = environment(
        {
            "OPENAI_BASE_URL": openai_url,
            "OPENAI_API_KEY": API_KEY,
            "OTEL_SERVICE_NAME": "comic",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=demo,service.instance.id=comic-1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{endpoints.grpc[0]}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "500",
        }
    )
    with child([instrument, sys.executable, comic.__file__, "--comics", str(comics)], env, log) as process:
        yield process


def tail(log: Path) -> str:
    """The end of a log."""
    return log.read_text(errors="replace")[-LOG_TAIL_CHARS:].strip()

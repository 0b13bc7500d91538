"""The `openai` program through LiteLLM's proxy, which writes spans of its own into its trace. Run: `... CASE`."""

import http.client
import os
import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEY = "sk-gateway-0123456789"
SETTINGS = """
model_list:
  - model_name: "*"
    litellm_params: {model: "openai/*", api_base: os.environ/OPENAI_BASE_URL, api_key: os.environ/OPENAI_API_KEY}
general_settings: {master_key: "%s"}
litellm_settings: {callbacks: [otel], telemetry: false}
"""
START_S = 100.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request("GET", "/health/liveliness")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def gateway() -> Iterator[str]:
    """Serve the proxy; gives the base URL for its callers."""
    settings = Path("proxy.yaml").absolute()
    settings.write_text(SETTINGS % KEY)
    port = free_port()
    environment = os.environ | {
        "OTEL_SERVICE_NAME": "gateway",
        "OTEL_ENDPOINT": os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
    }
    command: list[str | Path] = [Path(sys.executable).with_name("litellm"), "--config", settings, "--host", "127.0.0.1"]
    process = subprocess.Popen([*command, "--port", str(port)], env=environment)
    try:
        deadline = time.monotonic() + START_S
        while not answers(port) and time.monotonic() < deadline:
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
        time.sleep(float(os.environ["OTEL_BSP_SCHEDULE_DELAY"]) / 1000 * 3)
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    with gateway() as url:
        os.environ |= {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY}
        runpy.run_module("tests.golden.programs.openai_sdk", run_name="__main__")

"""What a user installs: the wheel in an empty environment, without extras, then with the daemon's (B3, P11)."""

import json
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], check=check, capture_output=True, text=True, timeout=300, cwd="/")


def pip(environment: Path, *arguments: str | Path) -> None:
    quiet = ("--quiet", "--disable-pip-version-check", "-c", ROOT / "constraints.txt")
    run(environment / "bin" / "python", "-m", "pip", "install", *quiet, *arguments)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    (built,) = folder.glob("spanwand-*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    pip(folder, wheel)
    return folder


def test_the_wheel_holds_the_two_packages_and_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"spanwand", "spanwand_sidecar"}


def test_the_wheel_is_typed_and_carries_its_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"spanwand/py.typed", "spanwand_sidecar/py.typed"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_without_extras_an_app_gets_the_exporter_and_no_heavy_package(environment: Path) -> None:
    code = (
        "import importlib.util as u, spanwand.span_exporter; print(*(m for m in ('grpc', 'wandb') if u.find_spec(m)))"
    )
    assert run(environment / "bin" / "python", "-c", code).stdout.split() == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_without_extras_the_command_says_what_to_install(environment: Path) -> None:
    answer = run(environment / "bin" / "spanwand", "up", check=False)
    assert answer.returncode == 2
    assert "pip install 'spanwand[sidecar]'" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_with_the_sidecar_extra_the_daemon_runs_without_wandb(wheel: Path, environment: Path, tmp_path: Path) -> None:
    """B3: no wandb installed is a state with a reason, not a crash; what arrives waits in the journal."""
    pip(environment, f"{wheel}[sidecar]")
    command, data, place = environment / "bin" / "spanwand", tmp_path / "data", tmp_path / "endpoints.json"
    free = ("--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0")
    arguments = [command, "up", *free, "--data-dir", data, "--endpoints-file", place, "--grace", "3"]
    with subprocess.Popen([*map(str, arguments)], stderr=subprocess.PIPE, text=True) as daemon:
        try:
            wait_for(place.exists)
            send_one_span(json.loads(place.read_text())["http"])
            status = ("status", "--json", "--data-dir", str(data))
            wait_for(lambda: "pip install 'spanwand[wandb]'" in run(command, *status).stdout)
        finally:
            daemon.terminate()
        _, log = daemon.communicate(timeout=30)
    assert daemon.returncode == 0, log
    assert "wandb is not installed" in log
    assert "are left for the next start" in log


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def send_one_span(address: str) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"http://{address}/v1/traces")))
    with provider.get_tracer("app").start_as_current_span("chat m", attributes={"gen_ai.operation.name": "chat"}):
        pass
    provider.shutdown()

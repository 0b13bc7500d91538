"""R41: whatever spans say, files are written below the data directory only, and only their owner reaches them (K5)."""

from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.faults.otlp import request
from tests.faults.targets import Spanwand, total
from tests.faults.test_flood import send_all

HOSTILE = (
    "../../../escaped",
    "/../escaped",
    "a/b\\c",
    "..",
    ".",
    "nul\x00byte",
    "line\r\nbreak",
    "x" * 3000,
    "\u202e\u0000",
)


def hostile(number: int, name: str) -> bytes:
    """A request whose service, model, trace name and experiment are all `name`."""
    message = ExportTraceServiceRequest.FromString(request(1, number, 2))
    resource = message.resource_spans[0].resource
    del resource.attributes[:]
    for key in ("service.name", "service.instance.id", "deployment.environment.name", "wandb.project", "wandb.entity"):
        resource.attributes.add(key=key).value.string_value = name
    for span in message.resource_spans[0].scope_spans[0].spans:
        span.name = name
        for key in ("gen_ai.request.model", "experiment", "arm"):
            span.attributes.add(key=key).value.string_value = name
    return message.SerializeToString()


def everything(directory: Path) -> set[Path]:
    return {path.relative_to(directory) for path in directory.rglob("*")}


@pytest.mark.slow
@pytest.mark.parametrize("sink", ["wandb", "jsonl"])
def test_hostile_names_stay_inside(tmp_path: Path, sink: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("kept")
    target = Spanwand(tmp_path / "here", sink)
    with target:
        target.running()
        (target.data_dir / "jsonl" / "planted").parent.mkdir(exist_ok=True)
        (target.data_dir / "jsonl" / "planted").symlink_to(outside / "precious")
        send_all(target, (hostile(number, name) for number, name in enumerate(HOSTILE, 1)))
        target.drain()
    assert total(target.runs(), "llm/requests") == 2 * len(HOSTILE)
    assert {path.parts[0] for path in everything(tmp_path)} == {"outside", "here"}
    assert everything(outside) == {Path("precious")}
    assert (outside / "precious").read_text() == "kept"
    assert {path.parts[0] for path in everything(tmp_path / "here")} <= {
        "data",
        "data-keys",
        "daemon.log",
        ".config",
        ".cache",
    }


@pytest.mark.slow
def test_nobody_else_can_read(tmp_path: Path) -> None:
    """Directories 0700 at the top, so that what W&B writes below with wider modes is out of reach as well."""
    with Spanwand(tmp_path, "wandb") as target:
        send_all(target, [request(1, 1, 3)])
        target.drain()
    for directory in (target.data_dir, Path(f"{target.data_dir}-keys")):
        assert directory.stat().st_mode & 0o077 == 0, directory
    journal = target.data_dir / "journal"
    assert journal.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in journal.iterdir()} == {0o600}
    for path in target.data_dir.glob("*.json"):
        assert path.stat().st_mode & 0o777 == 0o600

"""Capture real spans of named package versions: `python -m tests.golden.capture [--environments FOLDER] [SOURCE...]`.

Runs the programs of each source (`sources/`) in an environment of its own against stand-ins of the providers' APIs and
writes `tests/golden/SOURCE/CASE/in.json`: the versions, what the API answered, and the OTLP request. What differs from
run to run is replaced (`steady.py`), so that a second capture of the same versions is the same.
"""

import argparse
import os
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

import msgspec

from spanwand_sidecar.demo.ledger import Ledger
from tests.golden.environments import command_of, environment_of
from tests.golden.source import Source, noted
from tests.golden.sources import SOURCES
from tests.golden.steady import ROOT, pretty, steady
from tests.support.otlp_capture import Capture, capturing
from tests.support.otlp_json import Json, spans_of, to_json

GOLDEN = Path(__file__).parent
PROGRAM_TIMEOUT_S = 120.0


def variables(collector: Capture) -> dict[str, str]:
    """What every program finds in its environment: where to send spans, and the scripts' own modules."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'exporter'}",  # our own instrumentations are not installed
        "OTEL_SERVICE_NAME": "golden",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
    }


def run(source: Source, environment: Path, program: tuple[str, ...]) -> tuple[Ledger, list[bytes]]:
    """Run one program to its end; what the stand-ins answered, and the requests that the collector got."""
    ledger = Ledger()
    with ExitStack() as stack:
        collector = stack.enter_context(capturing())
        found = variables(collector)
        for provider in source.providers:
            found |= stack.enter_context(provider(ledger))
        home = stack.enter_context(tempfile.TemporaryDirectory())
        command = command_of(source, environment, program)
        found |= {"HOME": home, **source.environment}
        status = subprocess.call(command, env=found, cwd=home, stdout=subprocess.DEVNULL, timeout=PROGRAM_TIMEOUT_S)
        if status:
            raise SystemExit(f"{' '.join(command)} failed with status {status}")
    return ledger, collector.bodies


def capture(source: Source, environment: Path, case: str) -> Json | None:
    """What one program sent, beside what it was answered; None if it left no span."""
    ledger, bodies = run(source, environment, source.programs[case])
    sent = [item for body in bodies for item in to_json(body).get("resourceSpans", ())]
    if not list(spans_of({"resourceSpans": sent})):
        return None
    documented = {"documented": source.documented} if source.documented else {}
    return {
        "source": dict(requirement.split("==") for requirement in source.requirements) | dict(source.environment),
        **documented,
        "silent": noted(source.silent, case),
        "wrong": noted(source.wrong, case),
        "unseen": source.unseen.get(case, ""),
        "answered": msgspec.to_builtins(ledger.answers()),
        "request": steady({"resourceSpans": sent}),
    }


def write(name: str, cases: list[str], folder: Path) -> None:
    """Capture these cases of a source, or all of them."""
    source = SOURCES[name]
    environment = environment_of(source, folder)
    for case in cases or source.programs:
        captured = capture(source, environment, case)
        if captured is None:
            print(f"{name}/{case}: no span, although the API answered")
            continue
        path = GOLDEN / name / case / "in.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pretty(captured))
        print(f"{name}/{case}: {len(list(spans_of(captured['request'])))} spans, {path.stat().st_size / 1024:.0f} KB")


def main() -> None:
    """Capture the named sources, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help=", ".join(SOURCES))
    parser.add_argument("--case", action="append", default=[], help="only this one; can be given again")
    parser.add_argument("--environments", type=Path, help="where environments are kept for the next time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for name in arguments.sources or SOURCES:
            write(name, arguments.case, arguments.environments or Path(temporary))


if __name__ == "__main__":
    main()

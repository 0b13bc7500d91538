"""Models in the app's own process, watched by Spanwand's own instrumentations."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from spanwand_sidecar.demo.ledger import Answered, Ledger
from tests.golden.source import Source, Start, programs

REQUIREMENTS = tuple((Path(__file__).parents[2] / "instrumentation/requirements.txt").read_text().split())
DIFFUSERS = "text-to-image", "withheld", "interrupted", "error", "cascade", "refiner", "video"
TRANSFORMERS = "generate-batch", "generate-stream", "generate-assisted", "generate-error"
CONTENT = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}


@contextmanager
def in_process(ledger: Ledger) -> Iterator[Mapping[str, str]]:
    """No API answers here: the program itself counts what its models returned."""
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder) / "answers.jsonl"
        answers.touch()
        yield {"ANSWERS": str(answers)}
        for line in answers.read_text().splitlines():
            ledger.add(msgspec.json.decode(line, type=Answered))


SOURCES = {
    "diffusers": Source(
        requirements=REQUIREMENTS,
        programs=programs("diffusers_app.py", *DIFFUSERS),
        providers=(in_process,),
        start=Start.PYTHON,
    ),
    "diffusers-content": Source(
        requirements=REQUIREMENTS,
        programs=programs("diffusers_app.py", "text-to-image"),
        providers=(in_process,),
        start=Start.PYTHON,
        environment=CONTENT,
    ),
    "transformers": Source(
        requirements=REQUIREMENTS,
        programs=programs("transformers_app.py", *TRANSFORMERS),
        providers=(in_process,),
        start=Start.PYTHON,
    ),
}

"""The real Presidio over a real spaCy pipeline (P6, issue 5 item 1). The model is made here: nothing is downloaded."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.support.daemon import CHAT, WINDOW, RunningDaemon, daemon, rows, spanwand, sums, until, updates

from spanwand.errors import ConfigError
from spanwand.redact_config import PresidioConfig
from spanwand_sidecar.names.engine import Engine, open_engine

pytest.importorskip("presidio_analyzer", reason="spaCy is large: `make test-presidio` installs it and runs these")
import spacy

PEOPLE = {"PERSON": ("Jane Doe", "John Smith", "Anna Schmidt"), "GPE": ("New York", "Berlin")}
HANG_S = 60.0


def made(directory: Path, people: dict[str, tuple[str, ...]]) -> str:
    """A pipeline that knows these people and places, and no other."""
    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": name} for label, names in people.items() for name in names])
    pipeline.to_disk(directory)
    return str(directory)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return made(tmp_path_factory.mktemp("models") / "people", PEOPLE)


@pytest.fixture
def engine(model: str) -> Iterator[Engine]:
    opened = open_engine(PresidioConfig(model=model))
    yield opened
    opened.close()


def test_people_and_places(engine: Engine) -> None:
    found = engine(["I am Jane Doe of Berlin.", "nobody", ""], HANG_S)
    assert [sorted(each) for each in found] == [[(5, 13, "PERSON"), (17, 23, "LOCATION")], [], []]


def test_what_presidio_would_fetch_it_does_without(model: str) -> None:
    """E-mail addresses need a list of domains, which tldextract asks the network for: it uses the one it ships."""
    opened = open_engine(PresidioConfig(model=model, entities=("EMAIL_ADDRESS", "US_SSN")))
    try:
        assert opened(["mail jane@example.com"], HANG_S) == (((5, 21, "EMAIL_ADDRESS"),),)
    finally:
        opened.close()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"model": "en_core_web_nowhere"}, "no directory and no installed package; it is never downloaded"),
        ({"model": "json"}, "'json' is no model of spaCy; it is never downloaded"),
        ({"entities": ("PERSON", "NOBODY")}, "there is no NOBODY; there are .*PERSON"),
    ],
)
def test_what_cannot_work_is_refused(model: str, settings: dict[str, object], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        open_engine(PresidioConfig.model_validate({"model": model} | settings))


def test_a_directory_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"redact\.presidio: OSError: \[E"):
        open_engine(PresidioConfig(model=str(tmp_path)))


def test_a_model_that_knows_nobody_does_not_start(tmp_path: Path) -> None:
    """P6: the self-test."""
    model = made(tmp_path / "nobody", {"PERSON": ("Mr Nobody",)})
    done = spanwand(tmp_path / "data", "up", REDACT__POLICY="redacted", REDACT__PRESIDIO__MODEL=model)
    assert done.returncode == 2
    assert "the model finds no LOCATION and no PERSON in its self-test" in done.stderr


def test_a_daemon(tmp_path: Path, model: str) -> None:
    """P6: prompts leave without names; counts and the summary say how many went."""
    settings = {"REDACT__POLICY": "redacted", "REDACT__PRESIDIO__MODEL": model, **WINDOW}
    with daemon(tmp_path, **settings) as running:
        say(running, "I am Jane Doe of Berlin, jane@example.com")
        until(lambda: rows(updates(tmp_path), "generations"))
        (row,) = rows(updates(tmp_path), "generations")
        running.stop()
    again = spanwand(tmp_path, "replay", str(tmp_path / "journal"), "--out", str(tmp_path / "again"), **settings)
    assert again.returncode == 0
    (message,) = json.loads(row["input"])
    assert message["parts"][0]["content"] == "I am [person] of [location], [email]"
    counts = sums(updates(tmp_path))["spanwand"]
    assert (counts["spanwand/redacted/person"], counts["spanwand/redacted/location"]) == (1, 1)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"Jane Doe" not in written


def say(running: RunningDaemon, text: str) -> None:
    messages = json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}])
    exporter = OTLPSpanExporter(endpoint=f"http://{running.endpoints.grpc[0]}", insecure=True)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("app")
    tracer.start_span("chat", attributes=CHAT | {"gen_ai.input.messages": messages}).end()
    provider.shutdown()

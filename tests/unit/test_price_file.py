"""The user's price file: own models and GPUs, before the packaged tables; an error names line and key (P5)."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from spanwand.config import LineConfig, PriceConfig
from spanwand.errors import ConfigError
from spanwand.operations import Operation
from spanwand.pipeline import Pipeline
from spanwand.prices.book import PriceBook
from spanwand.record import Generation, ImageParams, Params, Service, ServiceTier, Usage

FILE = """
models:
  - models: [acme-writer, "Acme-Writer-*"]
    providers: [vllm, acme]
    usd_per_million: {input_tokens: 2, cached_input_tokens: 0.5, output_tokens: 6}
    source: contract 17
  - models: [acme-writer-2]
    since: 2026-10-01
    usd_per_million: {input_tokens: 1, output_tokens: 3}
  - models: [acme-writer-2]
    since: 2026-10-01
    above_input_tokens: 1000
    usd_per_million: {input_tokens: 10, output_tokens: 30}
  - models: [acme-writer-*]
    service_tier: batch
    usd_per_million: {input_tokens: 0.1, output_tokens: 0.1}
  - models: [gpt-4o]
    usd_per_million: {input_tokens: 7, output_tokens: 7}
  - models: [free-*]
    usd_per_million: {input_tokens: 0, output_tokens: 0}
  - models: [flat]
    usd_per_call: 0.25
  - models: [dall-e-3, panel-*]
    default_quality: draft
    default_size: 512x512
    usd_per_image:
      - {usd: 0.9, quality: final, size: 1024x1024}
      - {usd: 0.5, quality: final}
      - {usd: 0.1, size: 512x512}
  - models: [sketch]
    usd_per_image: 0.01
gpus:
  - gpus: ["NVIDIA H100*"]
    usd_per_hour: 2.5
  - gpus: ["*"]
    usd_per_hour: 1
  - gpus: ["NVIDIA H100*MIG 1g*"]
    usd_per_hour: 0.4
"""
AUTUMN = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def book(tmp_path: Path) -> PriceBook:
    path = tmp_path / "prices.yaml"
    path.write_text(FILE)
    return PriceBook(PriceConfig(file=str(path)))


def call(
    provider: str, model: str, usage: Usage | None = None, image: ImageParams | None = None, at: datetime = AUTUMN
) -> Generation:
    start_ns = int(at.timestamp()) * 10**9
    return Generation(
        trace_id=bytes(15) + b"\1",
        span_id=bytes(7) + b"\1",
        start_ns=start_ns,
        end_ns=start_ns + 10**9,
        service=Service(),
        dialect="gen_ai",
        operation=Operation.IMAGE if image else Operation.CHAT,
        provider=provider,
        request_model=model,
        usage=usage or Usage(),
        image=image,
        attributes={},
        sources={},
    )


MILLIONS = Usage(input_tokens=1_000_000, output_tokens=1_000_000, cached_input_tokens=500_000)
FEW = Usage(input_tokens=1000, output_tokens=0)


@pytest.mark.parametrize(
    ("made", "usd"),
    [
        (call("vllm", "acme-writer", MILLIONS), 1 + 0.25 + 6),
        (call("VLLM", "ACME-writer-7", MILLIONS), 7.25),
        (call("openai", "acme-writer", MILLIONS), None),
        (call("vllm", "acme-writer-2", FEW), 0.001),
        (call("vllm", "acme-writer-2", Usage(input_tokens=1001, output_tokens=0)), 0.01001),
        (call("vllm", "acme-writer-2", FEW, at=datetime(2026, 9, 1, tzinfo=UTC)), 0.002),
        (call("openai", "gpt-4o", FEW), 0.007),
        (call("openai", "gpt-4o-mini", FEW), 0.00015),
        (call("", "free-llama", MILLIONS), 0.0),
        (call("", "flat"), 0.25),
        (call("", "sketch", image=ImageParams(images=3)), 0.03),
        (call("", "panel-1", image=ImageParams(images=1)), 0.1),
        (call("", "panel-1", image=ImageParams(images=1, quality="Final", width=1024, height=1024)), 0.9),
        (call("", "panel-1", image=ImageParams(images=1, quality="final", width=8, height=8)), 0.5),
        (call("openai", "dall-e-3", image=ImageParams(images=1, width=1024, height=1024)), None),
        (call("", "sketch", FEW), None),
    ],
    ids=lambda value: value.request_model if isinstance(value, Generation) else str(value),
)
def test_prices_of_a_file(book: PriceBook, made: Generation, usd: float | None) -> None:
    """P5: what fits in the file is all that counts; the packaged tables are asked only where nothing fits."""
    assert book.usd(made) == (None if usd is None else pytest.approx(usd))
    assert book.quote(made).usd == (None if usd is None else pytest.approx(usd))


def test_a_tier_of_the_file(book: PriceBook) -> None:
    made = msgspec.structs.replace(call("vllm", "acme-writer-1", FEW), params=Params(service_tier=ServiceTier.BATCH))
    assert book.usd(made) == pytest.approx(0.0001)


def test_the_model_asked_for_may_be_the_own_one(book: PriceBook) -> None:
    made = msgspec.structs.replace(call("vllm", "acme-writer", MILLIONS), response_model="gpt-4.1")
    assert book.usd(made) == 7.25


def test_the_explanation_names_the_line(book: PriceBook) -> None:
    origin = book.quote(call("vllm", "acme-writer", MILLIONS)).origin
    assert origin
    assert origin.entry.endswith("prices.yaml:3 acme-writer acme-writer-*")
    assert origin.source == "contract 17"


def test_gpu_hours(book: PriceBook) -> None:
    """P5: kept for the cost of GPU time."""
    assert book.file
    assert book.file.content.gpu_hour_usd("NVIDIA H100 80GB HBM3") == 2.5
    assert book.file.content.gpu_hour_usd("Tesla T4") == 1
    assert book.file.content.gpu_hour_usd("NVIDIA H100 80GB HBM3 MIG 1g.10gb") == 0.4
    assert book.file.content.gpu_hour_usd("NVIDIA H100 80GB HBM3 MIG 3g.40gb") is None  # a GPU's price is not a slice's


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models: {", ":1: not valid YAML"),
        ("model: []", ":1: model: unknown key"),
        ("models:\n- models: [a]", ":2: models.0: needs usd_per_million, usd_per_call or usd_per_image"),
        ("models:\n- usd_per_call: 1", ":2: models.0.models: field required"),
        ("models:\n- models: []\n  usd_per_call: 1", ":2: models.0.models: "),
        ("models:\n- models: [a]\n  usd_per_call: -1", ":3: models.0.usd_per_call: "),
        ("models:\n- models: [a]\n  usd_per_call: .nan", ":3: models.0.usd_per_call: "),
        ("models:\n- models: [a]\n  usd_per_milion: 1", ":3: models.0.usd_per_milion: unknown key"),
        (
            "models:\n- models: [a]\n  usd_per_million:\n    input_tokens: 1\n    output: 2",
            ":5: models.0.usd_per_million.output: unknown key",
        ),
        ("models:\n- models: [a]\n  usd_per_image: [{usd: 1, size: big}]", ":3: models.0.usd_per_image"),
        ("models:\n- models: [a]\n  since: soon\n  usd_per_call: 1", ":3: models.0.since: "),
        ("models:\n- models: [a]\n  since: 2026-13-01\n  usd_per_call: 1", ":3: models.0.since: "),
        ("models:\n- models: [a]\n  service_tier: cheap\n  usd_per_call: 1", ":3: models.0.service_tier: "),
        ("gpus:\n- gpus: [a]\n  usd_per_hour: 1\n  usd_per_hour: 2", ":4: usd_per_hour is set twice"),
        ("- 1", ":1: the file: must be a mapping of keys"),
        ("a: &a [*a]", ":1: a: unknown key"),
    ],
)
def test_an_error_names_line_and_key(tmp_path: Path, text: str, message: str) -> None:
    """P5: one line, before anything has started."""
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        Pipeline(LineConfig(price=PriceConfig(file=str(path))), bytes(32))
    assert f"{path}{message}" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*prices\.yaml: No such file"):
        PriceBook(PriceConfig(file=str(tmp_path / "prices.yaml")))


def test_an_empty_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("")
    assert PriceBook(PriceConfig(file=str(path))).usd(call("openai", "gpt-4o", FEW)) == pytest.approx(0.0025)

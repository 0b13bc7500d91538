"""`spanwand prices` explains a price (P5)."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from spanwand_sidecar.cli import spanwand_command
from spanwand_sidecar.commands.prices import figure


def run(*words: str) -> Result:
    return CliRunner().invoke(spanwand_command, ["prices", *words])


def test_a_price_is_explained() -> None:
    told = run("gpt-4o", "--provider", "openai", "--input", "12000", "--cached", "2000", "--output", "300")
    assert told.exit_code == 0
    for line in (
        "entry   openai/gpt-4o",
        "source  https://developers.openai.com/api/docs/pricing",
        "  cached_input_tokens                 1.25 USD per million",
        "  input_tokens                      10,000 x 2.5 per million = 0.025 USD",
        "cost    0.0305 USD",
    ):
        assert line in told.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            "claude-sonnet-4-5 --at 2026-11-01",
            "22.5 USD per million, above 200,000 input tokens",
        ),
        ("o3 --at 2025-06-11T08:00:00", "entry   openai/o3, valid since 2025-06-10"),
        ("dall-e-3 --images 2 --size 1792x1024 --quality hd", "cost    0.24 USD"),
        ("dall-e-3", "a call that names none of it is taken for: standard 1024x1024"),
        ("gpt-5 --tier batch --input 1000000 --output 0", "cost    0.625 USD"),
        ("gemini-2.5-flash --provider google --input 1000000 --output 1000000", "cost    2.8 USD"),
        ("gpt-5", "service tier flex\n  input_tokens                       0.625 USD per million"),
        ("sonar-pro --provider perplexity --input 1 --output 1", "call"),
    ],
)
def test_tiers_dates_and_pictures(words: str, line: str) -> None:
    told = run(*words.split())
    assert told.exit_code == 0
    assert line in told.stdout


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("gpt-4q", "known names that are near: openai/gpt-4"),
        ("dall-e-4", "openai/dall-e-3"),
        ("gpt-4o --provider acme", "unknown: the model is in no price table"),
        ("gpt-5 --tier flex --at 2026-01-01", "unknown: openai has no price for the service tier flex of gpt-5"),
        ("gpt-image-1 --images 3", "cost unknown: no price for a picture of unknown quality and size"),
        ("gpt-4o --output 3", "cost unknown: the number of input tokens is not known"),
    ],
)
def test_what_is_not_known_exits_1(words: str, line: str) -> None:
    told = run(*words.split())
    assert told.exit_code == 1
    assert line in told.stdout


@pytest.mark.parametrize("words", ["gpt-4o --size big", "gpt-4o --tier cheap", "gpt-4o --input -1", ""])
def test_a_wrong_option_exits_2(words: str) -> None:
    assert run(*words.split()).exit_code == 2


def test_the_price_file_goes_first(tmp_path: Path) -> None:
    """P5: and an error in it is one line."""
    prices, config = tmp_path / "prices.yaml", tmp_path / "spanwand.yaml"
    prices.write_text("models:\n- models: [gpt-4o]\n  usd_per_million: {input_tokens: 9, output_tokens: 9}\n")
    config.write_text(f"price: {{file: {prices}}}\n")
    told = run("gpt-4o", "--input", "1000000", "--config", str(config))
    assert f"entry   {prices}:2 gpt-4o" in told.stdout
    assert "cost    9 USD" in told.stdout
    prices.write_text("models: 1")
    failed = run("gpt-4o", "--config", str(config))
    assert str(failed.exception) == f"{prices}:1: models: must be a list"


def test_for_machines() -> None:
    told = msgspec.json.decode(run("gpt-5", "--input", "1000000", "--json").stdout)
    assert told["tokens"]["tariffs"][0]["usd_per_million"]["input_tokens"] == 1.25
    assert told["cost"]["usd"] == 1.25
    assert told["service_tiers"]["batch"][0]["usd_per_million"]["input_tokens"] == 0.625
    assert msgspec.json.decode(run("dall-e-2", "--json").stdout)["pictures"]["prices"][0]["usd"] == 0.016


@pytest.mark.parametrize(("usd", "text"), [(0.0, "0"), (2.5, "2.5"), (10.0, "10"), (0.00000125, "0.00000125")])
def test_figures(usd: float, text: str) -> None:
    assert figure(usd) == text

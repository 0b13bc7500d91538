"""Every example in the docs runs: YAML loads, commands and options exist, make targets exist."""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest
import yaml

from spanwand.config import Section
from spanwand.gpu.scripted import Script
from spanwand.prices.file import PriceFile
from spanwand_sidecar.cli import spanwand_command
from spanwand_sidecar.config import Config

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def examples(language: str) -> list[tuple[str, str]]:
    return [(page.name, text) for page in PAGES for kind, text in FENCE.findall(page.read_text()) if kind == language]


def shell_words() -> Iterator[tuple[str, list[str]]]:
    for page, text in examples("bash"):
        for line in text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            command = [word for word in words if not re.match(r"^[A-Z_]+=", word)]
            if command:
                yield page, command


FILES: Mapping[str, type[Section]] = {"# prices.yaml": PriceFile, "# gpus.yaml": Script}
"""What other files than the configuration begin with."""


@pytest.mark.parametrize(("page", "text"), examples("yaml"))
def test_configuration_examples_load(page: str, text: str) -> None:
    model = FILES.get(text.partition("\n")[0], Config)
    model.model_validate(yaml.safe_load(text))


@pytest.mark.parametrize(("page", "words"), [pair for pair in shell_words() if pair[1][0] == "make"])
def test_make_targets_exist(page: str, words: list[str]) -> None:
    targets = re.findall(r"^([a-z%-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in words[1:]:
        assert target in targets or any(target.startswith(t[:-1]) for t in targets if t.endswith("%"))


@pytest.mark.parametrize(("page", "words"), [pair for pair in shell_words() if pair[1][0] == "spanwand"])
def test_commands_and_options_exist(page: str, words: list[str]) -> None:
    context = click.Context(spanwand_command)
    command = spanwand_command.get_command(context, words[1]) if words[1][0] != "-" else spanwand_command
    assert command is not None
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word.split("=")[0] for word in words[2:] if word.startswith("--")} <= known | {"--help"}

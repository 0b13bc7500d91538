"""K3: what the pages show is there: configuration that loads, links, files, targets of make, metrics."""

import re
from pathlib import Path

import pytest

from spanwand.load import from_file, load
from spanwand.metrics import metric_of
from spanwand_sidecar.config import Config

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
TARGET = re.compile(r"`make ([a-z-]+)")
FILE = re.compile(r"`((?:bench|docs|examples|exporter|proto|sidecar|tests)/[a-z0-9_/.-]+\.[a-z]+)`")
METRIC = re.compile(r"`((?:llm|diffusion|request|experiment)/[\w/]+/(?:p50|p95|p99))`")


def name(page: Path) -> str:
    return page.stem


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_examples_of_configuration_load(page: Path, tmp_path: Path) -> None:
    """Those of other files (prices, a scripted GPU) begin with their name as a comment."""
    file = tmp_path / "spanwand.yaml"
    for block in BLOCK.findall(page.read_text()):
        if not block.startswith("# "):
            file.write_text(block)
            load(Config, from_file(Config, file))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_is_named_is_there(page: Path) -> None:
    text = page.read_text()
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []
    assert [path for path in FILE.findall(text) if not (ROOT / path).exists()] == []
    assert [key for key in METRIC.findall(text) if metric_of(key) is None] == []
    makefile = (ROOT / "Makefile").read_text()
    targets = {
        *re.findall(r"^([a-z-]+):", makefile, re.MULTILINE),
        *(f"bench-{path.stem}" for path in ROOT.glob("bench/*.py")),
    }
    assert [target for target in TARGET.findall(text) if target not in targets] == []

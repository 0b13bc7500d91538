"""K3: what the pages name is there: links, files, targets of make, metrics."""

import re
from pathlib import Path

import pytest

from spanwand.metrics import metric_of

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
FILE = re.compile(r"`((?:bench|docs|examples|exporter|proto|sidecar|tests)/[a-z0-9_/.-]+\.[a-z]+)`")
METRIC = re.compile(r"`((?:llm|diffusion|request|experiment)/[\w/]+/(?:p50|p95|p99))`")
TARGET = re.compile(r"`make ([a-z-]+)")
RULE = re.compile(r"^([a-z-]+):", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_named_is_there(page: Path) -> None:
    text = page.read_text()
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []
    assert [path for path in FILE.findall(text) if not (ROOT / path).exists()] == []
    assert [key for key in METRIC.findall(text) if metric_of(key) is None] == []
    targets = {
        *RULE.findall((ROOT / "Makefile").read_text()),
        *(f"bench-{path.stem}" for path in ROOT.glob("bench/*.py")),
    }
    assert [target for target in TARGET.findall(text) if target not in targets] == []

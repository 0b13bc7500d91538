"""House rules a machine can check (design §9)."""

import ast
import re
import statistics
import subprocess
from itertools import groupby
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BANNED_NAMES = {"manager", "managers", "helper", "helpers", "util", "utils", "base", "common", "misc"}


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def python_files() -> list[Path]:
    return [path for path in tracked("*.py") if not path.name.endswith("_pb2.py")]


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 250
    assert path.stem not in BANNED_NAMES


def test_functions_are_small() -> None:
    sizes = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in tracked("exporter/*.py", "sidecar/*.py")
        if not path.name.endswith("_pb2.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert statistics.median(sizes) < 10


def test_make_targets_have_three_lines_at_most() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    recipes = [len(list(block)) for is_recipe, block in groupby(lines, lambda line: line.startswith("\t")) if is_recipe]
    assert max(recipes) <= 3


def test_architecture_is_a_ten_minute_read() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text().splitlines()) <= 150


LEAKS = re.compile(r"/work/|/root/|/home/[a-z]|pypi\.org|pythonhosted|registry\.npmjs|deb\.debian\.org")


@pytest.mark.parametrize("path", tracked(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_machine_paths_and_no_registry_hosts(path: Path) -> None:
    if path == Path(__file__) or path.suffix in {".png", ".jpg", ".bin"}:
        return
    assert not LEAKS.search(path.read_text(errors="replace"))

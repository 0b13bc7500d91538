"""The shape of the tree (design §1, §6): imports point one way, stages stay strangers, heavy imports stay lazy."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXPORTER = ROOT / "exporter" / "spanwand"
SIDECAR = ROOT / "sidecar" / "spanwand_sidecar"
STAGES = ("decode", "normalise", "price", "redact", "gather", "attribute", "sample", "aggregate", "alert")
GENERATED = (EXPORTER / "otlp", EXPORTER / "v1")


def sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if not set(GENERATED) & set(path.parents))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", sources(EXPORTER), ids=name)
def test_the_exporter_never_imports_the_sidecar(path: Path) -> None:
    assert not [module for module in imports(path) if module.split(".")[0] in {"spanwand_sidecar", "grpc"}]


@pytest.mark.parametrize("stage", STAGES)
def test_stages_do_not_import_each_other(stage: str) -> None:
    others = {f"spanwand.{other}" for other in (*STAGES, "pipeline") if other != stage}
    assert others.isdisjoint(imports(EXPORTER / f"{stage}.py"))


@pytest.mark.parametrize("path", [*sources(EXPORTER), *sources(SIDECAR)], ids=name)
def test_only_the_wandb_sink_imports_wandb(path: Path) -> None:
    if EXPORTER / "sinks" / "wandb" not in path.parents:
        assert "wandb" not in {module.split(".")[0] for module in imports(path)}


@pytest.mark.parametrize("path", [*sources(EXPORTER), *sources(SIDECAR)], ids=name)
def test_attribute_keys_live_in_dialects_only(path: Path) -> None:
    if EXPORTER / "dialects" in path.parents or SIDECAR / "demo" in path.parents:
        return
    strings = (node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
    keys = [text for text in strings if isinstance(text, str) and text.startswith(("gen_ai.", "diffusion."))]
    assert not keys


def attributes(path: Path) -> set[str]:
    return {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("path", [*sources(EXPORTER), *sources(SIDECAR)], ids=name)
def test_what_was_said_is_opened_where_rows_are_made(path: Path) -> None:
    """P6: what is behind `redact` holds content, and neither reads nor opens it (docs/adr/0027)."""
    found, is_behind = attributes(path), "spanwand.record.Clean" in set(imports(path)) and path.name != "redact.py"
    assert not {attribute for attribute in found if attribute.startswith("_HeldContent")}
    assert not (is_behind and "content" in found)
    assert "opened" not in found or path in {EXPORTER / "rows.py", EXPORTER / "redact.py"}


HEAVY = ("grpc", "wandb", "pynvml", "starlette", "uvicorn", "spanwand_sidecar", "mlflow")


APP = (
    "spanwand",
    "spanwand.span_exporter",
    "spanwand.pipeline",
    "spanwand.sinks",
    "spanwand.instrumentation.diffusers",
    "spanwand.instrumentation.transformers",
)


@pytest.mark.parametrize("module", APP)
def test_what_an_app_imports_is_light(module: str) -> None:
    """P11: an app that installs plain `spanwand` gets no grpcio, wandb or NVML at start."""
    code = f"import sys, {module}; print(*(m for m in {HEAVY!r} if m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert loaded.split() == []

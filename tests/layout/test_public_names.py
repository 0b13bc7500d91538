"""Names that others import are API: pinned here, so that taking one away is a decision (design §9)."""

import importlib
import types

import pytest

PUBLIC = {
    "spanwand": {"__version__"},
    "spanwand.batch": {"Batch", "RunKey", "RunUpdate", "Verdict"},
    "spanwand.errors": {"ConfigError", "NotReadable", "SpanwandError"},
    "spanwand.outcomes": {"Delivered", "Outcome", "Rejected", "Retry"},
    "spanwand.ports": {"Redactor", "Sampler", "Sink"},
    "spanwand.span_exporter": {"WandbSpanExporter"},
    "spanwand.sinks.memory": {"MemorySink", "open_sink"},
}


def own_names(module: types.ModuleType) -> set[str]:
    defined = {name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__}
    aliases = {name for name in getattr(module, "__annotations__", {}) if name[0].isupper()}
    return {name for name in defined | aliases if not name.startswith("_")}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_stay(name: str) -> None:
    module = importlib.import_module(name)
    assert not [wanted for wanted in PUBLIC[name] if not hasattr(module, wanted)]


@pytest.mark.parametrize("name", ["spanwand.span_exporter", "spanwand.sinks.memory", "spanwand.errors"])
def test_nothing_becomes_public_by_accident(name: str) -> None:
    assert own_names(importlib.import_module(name)) == PUBLIC[name]

"""The page of instrumentations: the same conversations through all of them, and a second reader of the same spans."""

from collections.abc import Iterator

from tests.golden.counted import counted
from tests.golden.same_conversation import FIELDS, Said, conversations, packages_of
from tests.golden.second_reader import KEYS_OF_ONE, compared

Rows = Iterator[tuple[str, ...]]
Section = tuple[str, str, tuple[str, ...], Rows]

INTRODUCTION = """\
Real packages at named versions made real calls to stand-ins of the providers' APIs (`tests/golden`). What each one's
spans say of the same conversation is here as Spanwand reads it; the tests compare it with what the API answered. The
same conversation costs the same through every instrumentation that tells all of it.

`-`: the figure is in no span of that instrumentation. **≠**: it is, and differs from what the API answered. *calls* in
italics: some calls left no span, or several share one."""
SHARED = """\
Spans that report calls, calls that were counted (those that failed are among them), and what the API answered (each try
of an SDK is an answer of its own there). The rules are [here](counting.md)."""
SECOND_READER = """\
The calls of all captures that succeeded, as Spanwand and as W&B Weave's two OTLP endpoints read them, span by span
(Weave's attribute mappings as published in `wandb/weave`: `trace_server/opentelemetry`, `trace_server/agents`): of how
many a figure is what the API answered, and of how many a text is found. What no reader knows is in no span, or differs
from what the API answered: the tables above say where."""


def sections() -> Iterator[Section]:
    """Title, text, table head and rows of each section."""
    yield "Packages", "", ("source", "packages"), iter([(f"`{name}`", text) for name, text in packages_of()])
    head = ("source", "calls", *(field.removesuffix("_tokens").replace("_", " ") for field in FIELDS), "USD")
    for sources in conversations():
        yield f"{sources[0].case}: {sources[0].models}", "", head, iter([row(said) for said in sources])
    yield "Calls that several spans report", SHARED, ("case", "spans", "calls", "answers", "rules"), counted()
    yield "A second reader", SECOND_READER, ("field", "calls", "Spanwand", "Weave, traces", "Weave, agents"), compared()
    yield "Keys that only one of them reads", "", ("keys", "read by", "what they say"), iter(KEYS_OF_ONE)


def row(said: Said) -> tuple[str, ...]:
    """What one source says."""
    calls = f"*{said.read['calls']}*" if said.unseen else str(said.read["calls"])
    cost = "" if said.cost_usd is None else f"{said.cost_usd:.8f}".rstrip("0")
    return f"`{said.source}`", calls, *(figure(said, field) for field in FIELDS), cost


def figure(said: Said, field: str) -> str:
    """One count, and what is to be said of it."""
    if field in said.silent:
        return "-"
    return f"{said.read[field]}{' ≠' if field in said.wrong else ''}"

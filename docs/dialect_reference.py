"""The page of dialects, made from their tables."""

import sys
from collections.abc import Iterator, Mapping

from spanwand.dialects import DIALECTS, counting
from spanwand.dialects.general import GENERAL, RESOURCE
from spanwand.dialects.table import Dialect
from spanwand.dialects.vocabulary import FINISH_REASONS, OPERATIONS, PROVIDERS, SERVICE_TIERS, SPAN_KINDS

Rows = Iterator[tuple[str, ...]]

INTRODUCTION = """\
Which attribute each field is read from, most trusted first. Where two dialects stand on one span, a field
is taken from the dialect listed first; nothing is added up.

`key` → `a/b` is a member of an attribute that holds a document: JSON, JSON that a limit has cut, or the repr of a
Python object; `*` is every item of an array. `event:…` stands for span events. What is marked *list* is also read
where it was flattened: `llm.input_messages.0.message.role` is a part of `llm.input_messages`."""
VOCABULARIES: dict[str, tuple[Mapping[str, str], str]] = {
    "operations": (OPERATIONS, "Any other word is `other`, and counts in no metric of models."),
    "kinds of span": (SPAN_KINDS, "Any other word says nothing."),
    "providers": (PROVIDERS, "Any other name is kept in lower case."),
    "finish reasons": (FINISH_REASONS, "Any other word is `other`."),
    "service tiers": (SERVICE_TIERS, "Any other word is `other`."),
}


def sections() -> Iterator[tuple[str, str, tuple[str, ...], Rows]]:
    """Title, text, table head and rows of each section."""
    for dialect in (*DIALECTS, GENERAL, RESOURCE):
        yield f"`{dialect.name}`", text_of(dialect), ("field", "attribute", "note"), sources(dialect)
    head = ("scope", "provider", "leaves out", "seen in")
    yield "Counts that leave something out", (counting.__doc__ or "").strip(), head, counting_rows()
    for title, (words, otherwise) in VOCABULARIES.items():
        rows = iter([(f"`{word}`", f"`{meaning}`") for word, meaning in words.items()])
        yield f"Words for {title}", otherwise, ("word", "canonical"), rows


def text_of(dialect: Dialect) -> str:
    """What the module of a dialect says about it, and what gives it away."""
    modules = [module for name, module in sys.modules.items() if name.startswith("spanwand.dialects.")]
    about = next(module.__doc__ or "" for module in modules if dialect in vars(module).values())
    marks = ", ".join(f"`{key}`" for key in sorted(dialect.markers))
    scopes = ", ".join(f"`{scope}…`" for scope in dialect.scopes)
    given_away = (marks and f"Marked by {marks}.", scopes and f"Written by the scopes {scopes}.")
    return "\n\n".join(filter(None, (about.strip(), " ".join(filter(None, given_away)))))


def sources(dialect: Dialect) -> Rows:
    """One row per source; the field is named on its first."""
    for field, found in dialect.fields.items():
        for index, source in enumerate(found):
            member = f" → `{source.at}`" if source.at else " *list*" if source.key in dialect.lists else ""
            events = ", ".join(f"`{name}`" for name, key in dialect.events.items() if key == source.key)
            note = "; ".join(filter(None, (source.note, events)))
            yield "" if index else f"`{field}`", f"`{source.key}`{member}", note


def counting_rows() -> Rows:
    """Instrumentations whose counts leave out a part."""
    for row in counting.COUNTING:
        left_out = (
            "cached tokens" * row.exclusive.input,
            "reasoning tokens" * (row.exclusive.output or row.exclusive.unsaid),
        )
        providers = ", ".join(f"`{provider}`" for provider in row.providers) or "all"
        yield f"`{row.scope}…`", providers, ", ".join(filter(None, left_out)), row.note

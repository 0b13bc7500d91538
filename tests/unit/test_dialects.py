"""Dialect tables and their parsers: what can be used of a value, and which tables are refused (P3)."""

import math

import pytest

from spanwand.dialects import DIALECTS
from spanwand.dialects.general import GENERAL, RESOURCE
from spanwand.dialects.parsers import count, integer, number, size, texts
from spanwand.dialects.table import GROUPS, Dialect, Reader, keys
from spanwand.span import AttributeValue


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, 5), (5.0, 5), ("5", 5), (5.5, None), (-5, None), (True, None), (2**70, None), ("x", None)],
)
def test_counts(value: AttributeValue, expected: int | None) -> None:
    assert count(value) == expected


def test_other_parsers() -> None:
    assert number(math.nan) is None
    assert number(math.inf) is None
    assert number("0.5") == 0.5
    assert integer(-(2**63)) == -(2**63)
    assert integer(2**64) is None
    assert size("1024x1536") == (1024, 1536)
    assert size("auto") is None
    assert texts('["a", "b"]') == ("a", "b")
    assert texts(("a", 1, "")) == ("a",)
    assert texts("[broken") is None


@pytest.mark.parametrize("dialect", [*DIALECTS, GENERAL, RESOURCE], ids=lambda dialect: dialect.name)
def test_tables_name_fields_that_exist(dialect: Dialect) -> None:
    Reader((dialect,))
    assert all(path.rpartition(".")[0] in GROUPS for path in dialect.fields)


NESTED: tuple[AttributeValue, ...] = (
    *("x", "", "GPU-1", "1x1", '["a", ["b"]]', '{"a": [1]}', '[{"b": {}}]', "[", 1, -1, 0.5, True, b"x", None),
    *(("a",), ("a", ["b"]), ["a", {"b": []}], {"a": [1]}, [{"a": "b"}, 1], [["image"]], [], {}, (None, 2.0)),
)


@pytest.mark.parametrize("dialect", [*DIALECTS, GENERAL, RESOURCE], ids=lambda dialect: dialect.name)
def test_values_tell_kinds_of_calls_apart(dialect: Dialect) -> None:
    """P3: whatever is sent, what a parser returns can be looked up: `normalise` knows kinds of calls by it."""
    for sources in dialect.fields.values():
        for source in sources:
            for value in NESTED:
                hash(source.parse(value))


def test_dialect_with_a_wrong_table_is_refused() -> None:
    def table(**fields: str) -> Dialect:
        return Dialect(name="x", markers=frozenset(), fields={path: keys(count, key) for path, key in fields.items()})

    with pytest.raises(ValueError, match="not a field"):
        Reader((table(nonsense="k"),))
    with pytest.raises(ValueError, match="no group"):
        Reader((Dialect(name="x", markers=frozenset(), fields={"a.b": keys(count, "k")}),))
    with pytest.raises(ValueError, match="is read as"):
        Reader((table(provider="k", user="k"),))

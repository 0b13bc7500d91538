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


def test_dialect_with_a_wrong_table_is_refused() -> None:
    def table(**fields: str) -> Dialect:
        return Dialect(name="x", markers=frozenset(), fields={path: keys(count, key) for path, key in fields.items()})

    with pytest.raises(ValueError, match="not a field"):
        Reader((table(nonsense="k"),))
    with pytest.raises(ValueError, match="no group"):
        Reader((Dialect(name="x", markers=frozenset(), fields={"a.b": keys(count, "k")}),))
    with pytest.raises(ValueError, match="is read as"):
        Reader((table(provider="k", user="k"),))

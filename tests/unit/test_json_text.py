"""R22, P8: a JSON cell of a Table is bounded and stays JSON, whatever has to go."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanwand.json_text import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=5), inner, max_size=8),
)


@pytest.mark.parametrize(
    ("value", "chars", "text"),
    [
        ({"a": [1, "\u00e9"]}, 40, '{"a":[1,"\u00e9"]}'),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 16, '[1,2,"\u202610 more"]'),
        (['say "' + "\\" * 50, 2], 40, '["\u20262 more"]'),
        ({"a": 1, "b": "x" * 99, "c": 2}, 30, '{"a":1,"\u2026":"2 more"}'),
        ("x" * 99, 30, '"\u2026"'),
    ],
)
def test_whole_items_go(value: object, chars: int, text: str) -> None:
    assert json_text(value, chars) == text


@given(VALUES, st.integers(25, 60))
def test_it_is_always_json_and_never_too_long(value: object, chars: int) -> None:
    text = json_text(value, chars)
    assert len(text) <= chars
    json.loads(text)

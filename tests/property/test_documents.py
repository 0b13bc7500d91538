"""Whatever stands in an attribute, reading it raises nothing (P3, K5)."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.spans import PARSERS

from spanwand.dialects.documents import Member, members, read
from spanwand.dialects.flattened import prefix_of, unflatten
from spanwand.dialects.parsers import as_sent

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
VALUES = JSON | st.binary() | st.text(alphabet="[]{}\",:'\\0aé\ud800", max_size=60)
KEYS = st.lists(st.sampled_from(["a", "0", "1", "message", "12345", "²", ""]), min_size=1, max_size=8).map(".".join)


@given(st.text(alphabet="[]{}\",:'\\ 01enulltrufas", max_size=80))
def test_any_text_is_a_document_or_none(text: str) -> None:
    read(text)
    list(members(text, [Member("x", ("a", "*", "0"), as_sent)]))


@given(JSON, st.integers(min_value=0, max_value=200))
def test_json_that_was_cut(value: object, kept: int) -> None:
    read(repr(value)[:kept])


@given(st.dictionaries(KEYS, VALUES, max_size=12))
def test_any_keys_make_lists(sent: dict[str, object]) -> None:
    unflatten((prefix_of(key) or "a", f"a.{key}", value) for key, value in sent.items())  # type: ignore[misc]  # any


@settings(max_examples=50)
@given(VALUES)
def test_every_parser_takes_anything(value: object) -> None:
    for parse in set(PARSERS.values()):
        parse(value)  # type: ignore[arg-type]  # whatever comes

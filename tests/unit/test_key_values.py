"""Attributes by their bytes: parsed once, in bounded memory, the same as if each were parsed (P3, R25)."""

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from spanwand import key_values
from spanwand.dialects.parsers import as_sent, count, identifier, scalar_text
from spanwand.key_values import KeyValues


def sent(key: str, **value: object) -> bytes:
    return KeyValue(key=key, value=AnyValue(**value)).SerializeToString()  # type: ignore[arg-type]  # one of the oneof


def test_what_is_not_read_or_cannot_be_used_is_left_out() -> None:
    known = KeyValues({"n": count, "id": scalar_text})
    raw = [sent("n", int_value=3), sent("id", int_value=7), sent("x", string_value="y"), sent("", string_value="z")]
    for _ in range(2):
        assert known.attributes(raw) == {"n": 3, "id": "7"}
        assert known.attributes([sent("n", int_value=-1)]) == {}
        assert known.attributes([sent("n", int_value=1), sent("n", int_value=2)]) == {"n": 2}


def test_equal_values_of_other_types_are_not_mixed_up() -> None:
    """1, 1.0 and true are equal in Python, and not the same attribute."""
    known = KeyValues({"n": scalar_text})
    values = [sent("n", int_value=1), sent("n", double_value=1.0), sent("n", bool_value=True)]
    assert [known.attributes([raw]) for raw in values * 2] == [{"n": "1"}, {"n": "1.0"}, {}] * 2


def test_memory_is_bounded() -> None:
    known = KeyValues({"n": count, "id": scalar_text})
    for number in range(40_000):
        assert known.attributes([sent("n", int_value=number)]) == {"n": number}
        assert known.attributes([sent("id", string_value=f"{number}" * 30)]) == {"id": f"{number}" * 30}
    assert len(known) <= key_values.MOST_REMEMBERED
    assert max(map(len, known)) <= key_values.REMEMBERED_BYTES


def test_the_id_of_an_answer_is_read_and_not_remembered() -> None:
    """Design 8: each comes once, and 30,000 of them take 5 MB."""
    known = KeyValues({"n": count, "answer": identifier})
    for number in range(3):
        raw = [sent("n", int_value=1), sent("answer", string_value=f"msg_{number}")]
        assert known.attributes(raw) == {"n": 1, "answer": f"msg_{number}"}
    assert list(known) == [sent("n", int_value=1)]


def test_damage_costs_one_attribute() -> None:
    known = KeyValues({"n": count})
    assert known.attributes([b"\x0a\x7fn", b"", b"\xff", sent("n", int_value=3)]) == {"n": 3}


def test_value_before_key() -> None:
    """Protobuf lets a sender write fields in any order."""
    raw = sent("n", int_value=3)
    assert KeyValues({"n": count}).attributes([raw[3:] + raw[:3]]) == {"n": 3}


@pytest.mark.parametrize("key", ["k", "k" * 127, "k" * 128, "k" * 300])
@pytest.mark.parametrize("near", [0, 127, 16_384])
def test_texts_of_any_length(key: str, near: int) -> None:
    """R25: where a length takes a byte more, nothing is lost and nothing is added."""
    for length in range(max(near - 12, 0), near + 12):
        text = "ä" * (length // 2) + "s" * (length % 2)
        assert KeyValues({key: as_sent}).attributes([sent(key, string_value=text)]) == {key: text}


@pytest.mark.parametrize("cut", range(12))
def test_long_texts_that_are_damaged(cut: int) -> None:
    """R25: no byte of their lengths is taken for granted."""
    whole = sent("k", string_value="s" * 1_000)
    assert KeyValues({"k": as_sent}).attributes([whole[: len(whole) - 1 - cut]]) == {}
    damaged = bytearray(whole)
    damaged[cut] ^= 0x01
    assert KeyValues({"k": as_sent}).attributes([bytes(damaged)]) != {"k": "s" * 1_000}

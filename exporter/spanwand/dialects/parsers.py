"""Parsers of attribute values: what an instrumentation wrote -> what the record holds, or `None` if it cannot be used.

They never raise. Instrumentations write integers as doubles or strings, arrays as JSON, zero for unknown.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from spanwand.span import AttributeValue, Parser

_LARGEST = 2**53
"""Counts beyond this are nonsense, and doubles could not add them up exactly."""
_LONGEST_NUMBER = 32
_LONGEST_URI = 2_048
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def text(value: AttributeValue) -> str | None:
    """Non-empty text."""
    return value if value and isinstance(value, str) else None


def scalar_text(value: AttributeValue) -> str | None:
    """Text, also from a number: ids and versions are sent as either."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def number(value: AttributeValue) -> float | None:
    """A finite number, also one written as text."""
    if type(value) is float:
        return value + 0.0 if -_LARGEST <= value <= _LARGEST else None  # no -0.0: it equals 0.0, and looks different
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
        try:
            value = float(value)
        except ValueError:
            return None
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return value + 0.0 if -_LARGEST <= value <= _LARGEST else None


def integer(value: AttributeValue) -> int | None:
    """A whole number, also one written as a double or as text."""
    if type(value) is int:
        return value if -(2**63) <= value < 2**64 else None
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
        try:
            return integer(int(value))
        except ValueError:
            pass
    whole = number(value)
    return int(whole) if whole is not None and whole.is_integer() else None


def count(value: AttributeValue) -> int | None:
    """A whole number that is not negative: tokens, images, pixels, steps."""
    whole = value if type(value) is int else integer(value)
    return whole if whole is not None and 0 <= whole <= _LARGEST else None


def positive_count(value: AttributeValue) -> int | None:
    """A count where zero means that it was not known."""
    return count(value) or None


def seconds(value: AttributeValue) -> float | None:
    """A duration in seconds."""
    duration = number(value)
    return duration if duration is not None and duration >= 0 else None


def milliseconds(value: AttributeValue) -> float | None:
    """A duration sent in milliseconds, in seconds."""
    duration = seconds(value)
    return None if duration is None else duration / 1000


def positive(value: AttributeValue) -> float | None:
    """A number above zero; zero means that it was not known (costs)."""
    amount = number(value)
    return amount if amount is not None and amount > 0 else None


def flag(value: AttributeValue) -> bool | None:
    """A boolean, also `"true"` and `"false"`."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def texts(value: AttributeValue) -> tuple[str, ...] | None:
    """A list of texts: an array, a JSON array, or a single text."""
    if isinstance(value, str):
        value = _json_array(value) if value.startswith("[") else (value,)
    if not isinstance(value, (tuple, list)):
        return None
    return tuple([item for item in value if isinstance(item, str) and item]) or None


def _json_array(value: str) -> tuple[str, ...] | None:
    try:
        return tuple(msgspec.json.decode(value, type=list[str]))
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


def size(value: AttributeValue) -> tuple[int, int] | None:
    """Width and height in pixels from `1024x1536`."""
    width, _, height = value.partition("x") if isinstance(value, str) else ("", "", "")
    pixels = positive_count(width), positive_count(height)
    return None if pixels[0] is None or pixels[1] is None else (pixels[0], pixels[1])


def content(value: AttributeValue) -> str | None:
    """What was said: text as it is, structured values as JSON."""
    if isinstance(value, str):
        return value or None
    if not value or not isinstance(value, (Mapping, tuple, list)):
        return None
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, RecursionError):
        return None


def identifier(value: AttributeValue) -> str | None:
    """An id. Digits alone are a time: OpenLIT writes that of an image's creation, equal for different calls."""
    return value if value and isinstance(value, str) and not value.isdecimal() else None


def reference(value: AttributeValue) -> str | None:
    """The URI of something stored elsewhere, without what may grant access to it: user, query and fragment."""
    if not isinstance(value, str) or len(value) > _LONGEST_URI:
        return None
    scheme, separator, rest = value.partition("?")[0].partition("#")[0].partition("://")
    if not separator:
        return scheme or None
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}"


def moment_ns(value: AttributeValue) -> int | None:
    """A time as ISO 8601 writes it, in nanoseconds since the epoch; in UTC if it names no zone."""
    if not isinstance(value, str) or len(value) > _LONGEST_NUMBER + 16:
        return None
    try:
        moment = datetime.fromisoformat(value.strip('"'))
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def length(value: AttributeValue) -> int | None:
    """How many items an array has."""
    return len(value) if isinstance(value, (tuple, list)) else None


def positive_length(value: AttributeValue) -> int | None:
    """How many items an array has where there are any: members that no item has are an empty array."""
    return length(value) or None


def pictures(value: AttributeValue) -> int | None:
    """How many parts of messages are images, from the kinds of the parts of each message."""
    if not isinstance(value, (tuple, list)):
        return None
    return sum(parts.count("image") for parts in value if isinstance(parts, (tuple, list))) or None


def images_among(value: AttributeValue) -> int | None:
    """How many of an array of media types are images; `None` if none is."""
    if not isinstance(value, (tuple, list)):
        return None
    return sum(isinstance(item, str) and item.startswith("image/") for item in value) or None


def numbers(value: AttributeValue) -> tuple[float, ...] | None:
    """The numbers in an array."""
    if not isinstance(value, (tuple, list)):
        return None
    read = [number(item) for item in value]
    return tuple([item for item in read if item is not None]) or None


def unquoted(parse: Parser) -> Parser:
    """Make a parser for texts that are sent as JSON: `"\\"gpt-4o\\""`."""

    def parse_unquoted(value: AttributeValue) -> AttributeValue:
        if isinstance(value, str) and value[:1] == '"' == value[-1:]:
            try:
                value = msgspec.json.decode(value, type=str)
            except (msgspec.DecodeError, UnicodeError):
                return None
        return parse(value)

    return parse_unquoted


def as_sent(value: AttributeValue) -> AttributeValue:
    """Anything, as it is."""
    return value


def word(words: Mapping[str, AttributeValue], otherwise: AttributeValue) -> Parser:
    """Make a parser for a closed vocabulary: the meaning of a word in lower case, else `otherwise`."""

    def parse(value: AttributeValue) -> AttributeValue:
        if not value or not isinstance(value, str):
            return None
        return words.get(value) or words.get(value.lower(), otherwise)

    return parse

"""An OTLP `AnyValue` -> the Python value."""

from spanwand.otlp.v1.view_pb2 import AnyValue
from spanwand.span import AttributeValue


def plain(value: AnyValue) -> AttributeValue:
    """Return the value; `None` for an empty one. Arrays become tuples, key-value lists dicts."""
    text = value.string_value  # most are text: to ask which one it is costs as much as the rest
    if text:
        return text.decode(errors="replace")
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return ""
    if kind == "array_value":
        return tuple([plain(item) for item in value.array_value.values])
    if kind == "kvlist_value":
        items = value.kvlist_value.values
        return {key: plain(items[key]) for key in items}
    scalar: AttributeValue = getattr(value, kind) if kind else None
    return scalar

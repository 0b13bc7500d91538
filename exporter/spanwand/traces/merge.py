"""Two spans that report one call become one record: the inner one, with what only the outer one knows."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from spanwand.record import NO_PARAMS, Clean, Usage
from spanwand.traces.counting import PLAIN
from spanwand.traces.step import knows_usage

_LABELS: Mapping[str, Any] = dict.fromkeys(("prompt_name", "prompt_version", "session_id", "user"), "")
"""Fields that a span says of all calls below it, with what stands for not known."""
_FIELDS: Mapping[str, Any] = {
    **dict.fromkeys(("provider", "request_model", "response_model"), ""),
    "finish_reasons": (),
    "image": None,
    "devices": (),
    "params": NO_PARAMS,
    "held_content": None,
    "media": (),
}
"""Fields that a span says of its own call."""


def merged(inner: Clean, outer: Clean, rule: str) -> Clean:
    """The inner span's record. Usage and cost are taken together, from the one that knows more of them."""
    changes = _missing(inner, outer, {**_LABELS, **_FIELDS})
    if _says_more(outer, inner):
        changes |= {"usage": outer.usage, "cost": inner.cost if outer.cost.usd is None else outer.cost}
    elif inner.cost.usd is None and _sums(inner.usage) == _sums(outer.usage):
        changes["cost"] = outer.cost
    if inner.timing.ttft_s is None and outer.timing.ttft_s is not None:
        changes["timing"] = replace(inner.timing, ttft_s=outer.timing.ttft_s)
    return _ruled(replace(inner, **changes), rule)


def labelled(inner: Clean, outer: Clean, rule: str) -> Clean:
    """The record of one of several calls below `outer`."""
    return _ruled(replace(inner, **_missing(inner, outer, _LABELS)), rule)


def with_usage(inner: Clean, outer: Clean) -> Clean:
    """The record with the usage and cost of a span that stands for all calls below it."""
    return replace(inner, usage=outer.usage, cost=outer.cost if inner.cost.usd is None else inner.cost)


def _missing(inner: Clean, outer: Clean, fields: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, none in fields.items() if (value := getattr(outer, name)) != none}
    changes = {name: value for name, value in found.items() if getattr(inner, name) == fields[name]}
    if not (inner.experiment or inner.arm):
        changes |= {"experiment": outer.experiment, "arm": outer.arm}
    if outer.attributes:
        changes["attributes"] = {**outer.attributes, **inner.attributes}
    return changes


def _says_more(one: Clean, other: Clean) -> bool:
    """One knows the usage and the other does not, or they agree on it and one knows more of its parts."""
    if not knows_usage(one) or not knows_usage(other):
        return knows_usage(one)
    agree = _sums(one.usage) == _sums(other.usage)
    return agree and _known(one.usage) > _known(other.usage)


def _sums(usage: Usage) -> tuple[int | None, int | None]:
    return usage.input_tokens, usage.output_tokens


def _known(usage: Usage) -> int:
    return sum(getattr(usage, name) is not None for name in Usage.__struct_fields__)


def _ruled(generation: Clean, rule: str) -> Clean:
    counting = generation.counting or PLAIN
    if rule in counting.rules:
        return generation
    return replace(generation, counting=replace(counting, rules=(*counting.rules, rule)))

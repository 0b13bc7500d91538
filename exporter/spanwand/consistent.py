"""Consistent probability sampling, as OpenTelemetry defines it: one random number per trace, which everybody knows.

It is `rv` in the `ot` member of the tracestate, else the last 7 bytes of the trace id. Whoever keeps the share p of the
traces keeps those whose number is among the highest p: so what one sampler keeps of few is a part of what another keeps
of many, and a trace that both of them kept was kept with the smaller of their probabilities, not with the product.
`th` in the tracestate says with which probability senders have kept a span.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from spanwand.record import Clean
from spanwand.request import Request

ALL = 1 << 56
"""How many random numbers there are, and places that traces have by them."""
ALWAYS = 1e6
"""Priority of what is kept though there is no room for the rest."""
_HEX = frozenset("0123456789abcdef")


class Share(msgspec.Struct, frozen=True):
    """How much of what is like a trace is kept: the first `kept` of `ALL` places, for a `reason`.

    Where there is room for a part only, ranks say who gets it: the place of the trace by its `priority`.
    """

    kept: int
    priority: float
    reason: str


NO_SHARE = Share(0, 0.0, "")
RATED = Share(ALL, ALWAYS, "rated")
"""Of a trace that somebody judged, or a call of it."""


class Sent(NamedTuple):
    """What a tracestate says: the trace's random number, and above what threshold senders keep; `None`, 0: nothing."""

    randomness: int | None
    threshold: int


_SAYS_NOTHING = Sent(None, 0)


@lru_cache(4_096)
def sent(trace_state: str) -> Sent:
    """What a tracestate says; what is malformed says nothing."""
    for member in trace_state.split(","):
        vendor, _, listed = member.strip().partition("=")
        if vendor == "ot":
            fields = dict(field.split(":", 1) for field in listed.split(";") if ":" in field)
            randomness, threshold = fields.get("rv", ""), fields.get("th", "")
            return Sent(
                int(randomness, 16) if len(randomness) == 14 and set(randomness) <= _HEX else None,
                int(threshold.ljust(14, "0"), 16) if 0 < len(threshold) <= 14 and set(threshold) <= _HEX else 0,
            )
    return _SAYS_NOTHING


def place_of(records: Sequence[Clean | Request]) -> int:
    """Where a trace stands, from 1 to `ALL`. A share p of all traces stands at or before p * `ALL`."""
    explicit = [sent(record.trace_state).randomness for record in records if record.trace_state]
    randomness = max([number for number in explicit if number is not None], default=None)
    return ALL - (int.from_bytes(records[0].trace_id[-7:], "big") if randomness is None else randomness)


def sent_share(record: Clean | Request, place: int) -> int:
    """Up to which place senders kept what is like a record; `ALL` if they do not say, or did not keep to it."""
    if not record.trace_state:
        return ALL
    share = ALL - sent(record.trace_state).threshold
    return share if place <= share else ALL

"""What an OTLP metric point says, and what it adds to a run's history once it is known which of our keys it means."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from spanwand.metrics import Kind
from spanwand.span import Attributes, SpanResource

Buckets = Sequence[tuple[float, int]]
"""Values of a histogram, each with how often it was seen: the middle of a bucket stands for all that fell into it."""


class Distribution(msgspec.Struct, frozen=True):
    """A histogram: how many values, their sum, and where they lie."""

    count: int
    sum: float
    buckets: Buckets = ()


class Temporality(StrEnum):
    """Whether a point's value is of now, since the point before it, or since the series began."""

    STATE = "state"
    DELTA = "delta"
    CUMULATIVE = "cumulative"


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One point of one series. `series` is the same bytes for each point of it, and no others'."""

    name: str
    series: bytes
    attributes: Attributes
    resource: SpanResource
    temporality: Temporality
    start_ns: int
    time_ns: int
    value: float | Distribution


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a point adds to one key of a history. States of several series are added up, or averaged if `mean`."""

    key: str
    kind: Kind
    series: bytes
    value: float | Distribution
    mean: bool = False

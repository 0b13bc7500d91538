"""What a user may write about alerts: which figure of a run is too high or low, over what time, how often to say so."""

from collections.abc import Mapping
from typing import Literal, Self

import msgspec
from pydantic import Field, model_validator

from spanwand.drops import DropReason
from spanwand.metrics import Kind, metric_of
from spanwand.section import Section


class Figure(msgspec.Struct, frozen=True):
    """How a figure is made of a run's metrics: the sum of those of `of`, by what `per` says.

    By other metrics, of which there have to be `at_least` so many; by the hour; by nothing; or it is the median of the
    windows' values, of which there have to be so many.
    """

    of: tuple[str, ...]
    per: tuple[str, ...] | Literal["hour", "time", "window"]
    at_least: int = 1


def _both(*names: str) -> tuple[str, ...]:
    return tuple(f"{family}/{name}" for name in names for family in ("llm", "diffusion"))


FIGURES: Mapping[str, Figure] = {
    "error_rate": Figure(_both("errors"), per=_both("requests"), at_least=20),
    "unpriced_rate": Figure(_both("unpriced"), per=_both("requests", "retries"), at_least=20),
    "cached_input_rate": Figure(("llm/cached_input_tokens",), per=("llm/input_tokens",), at_least=1_000),
    "cost_usd_per_hour": Figure(_both("cost_usd"), per="hour"),
    "requests_per_hour": Figure(_both("requests"), per="hour"),
    "dropped_spans": Figure(
        tuple(
            f"spanwand/dropped/{reason}"
            for reason in (
                DropReason.UNDECODABLE,
                DropReason.INVALID_IDS,
                DropReason.QUEUE_FULL,
                DropReason.LINE_FAILED,
                DropReason.SINK_BACKLOG,
                DropReason.REJECTED_BY_SINK,
            )
        ),
        per="time",
    ),
}
"""By name. A span that was dropped is in no metric: other losses cost a row, an image, or the total of a trace."""


class AlertRule(Section):
    """One alert (docs/alerts.md)."""

    figure: str
    """`error_rate`, `unpriced_rate`, `cached_input_rate`, `cost_usd_per_hour`, `requests_per_hour`, `dropped_spans`; or
    a quantile or gauge of docs/metrics.md, such as `llm/latency_s/p95`: the median of its windows."""
    above: float | None = Field(default=None, ge=0)
    """Said when the figure is higher."""
    below: float | None = Field(default=None, gt=0)
    """Said when the figure is lower, instead."""
    clear: float | None = Field(default=None, ge=0)
    """Over when the figure is back at this: only then it can be said again. Empty: 0.8 times `above`, 1.25 times
    `below`."""
    over_s: int = Field(default=120, gt=0, le=3_600)
    """Seconds of which the figure is, in whole windows. The first ones after a start are waited for."""
    at_least: int | None = Field(default=None, gt=0)
    """Calls in that time without which a rate is not judged, or windows for a median. Empty: 20 calls, 3 windows."""
    every_s: int = Field(default=3_600, ge=60)
    """Seconds between two alerts of this rule about one run, at least."""
    level: Literal["INFO", "WARN", "ERROR"] = "WARN"
    send_resolved: bool = False
    """Whether the end of an alert that was said is said as well, as `INFO`."""

    @model_validator(mode="after")
    def _can_be_judged(self) -> Self:
        metric = metric_of(self.figure)
        if self.figure not in FIGURES and (metric is None or metric.kind is Kind.SUM):
            raise ValueError(f"figure: neither one of {', '.join(FIGURES)} nor a quantile or gauge of docs/metrics.md")
        if (self.above is None) == (self.below is None):
            raise ValueError("one of above and below, and not both")
        if self.is_beyond(self.clear_at):
            raise ValueError(f"clear is {self.side} what it clears")
        return self

    @property
    def side(self) -> Literal["above", "below"]:
        """On which side of the limit the figure is too far."""
        return "below" if self.above is None else "above"

    @property
    def limit(self) -> float:
        """The last value that is not too high, or too low."""
        return (self.below or 0) if self.above is None else self.above

    @property
    def clear_at(self) -> float:
        """Where it is over."""
        return (0.8 if self.side == "above" else 1.25) * self.limit if self.clear is None else self.clear

    def is_beyond(self, value: float) -> bool:
        """Whether the figure is too high, or too low."""
        return value > self.limit if self.side == "above" else value < self.limit

    def is_cleared(self, value: float) -> bool:
        """Whether the figure is back where it is over."""
        return value <= self.clear_at if self.side == "above" else value >= self.clear_at

    @property
    def made_of(self) -> Figure:
        """What the figure is made of."""
        known = FIGURES.get(self.figure) or Figure((self.figure,), per="window", at_least=3)
        return known if self.at_least is None else msgspec.structs.replace(known, at_least=self.at_least)

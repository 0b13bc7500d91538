"""Instrumentations that are known to leave cached or reasoning tokens out of their counts, by scope and version.

All others count as OpenTelemetry does: input includes cached tokens, output includes reasoning. Measured against what
the providers' APIs answered: `tests/golden`.
"""

from functools import lru_cache

import msgspec

from spanwand.token_counts import INCLUSIVE, Exclusive


class Counting(msgspec.Struct, frozen=True):
    """How one instrumentation counts. `scope`: how its name begins; `providers`: where only theirs are counted so."""

    scope: str
    exclusive: Exclusive
    providers: tuple[str, ...] = ()
    before: tuple[int, ...] = ()
    """The first version that no longer does; empty if none is known."""
    note: str = ""


COUNTING: tuple[Counting, ...] = (
    Counting("openlit", Exclusive(input=True), ("anthropic", "aws.bedrock"), note="1.45.0"),
    Counting(
        "opentelemetry.instrumentation.google_generativeai",
        Exclusive(unsaid=True),
        note="Traceloop 0.62.4; reasoning is only in the total",
    ),
    Counting("langfuse", Exclusive(other_input=True), note="JavaScript 5.11.1: images"),
    Counting("langtrace", Exclusive(input=True), ("anthropic",), note="3.8.21"),
)


@lru_cache(1024)
def exclusive(scope_name: str, scope_version: str, provider: str) -> Exclusive:
    """What the instrumentation of this scope leaves out of the counts of a provider's models."""
    for row in COUNTING:
        if scope_name.startswith(row.scope) and (not row.providers or provider in row.providers):
            return INCLUSIVE if row.before and _version(scope_version) >= row.before else row.exclusive
    return INCLUSIVE


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdecimal())

"""Token counts as instrumentations send them -> counts that include their parts, or a note of what is odd.

Input includes what was read from a cache or written to one, output includes reasoning. Some instrumentations leave
those out. Which do is known for some (`dialects.counting`); for others the total they give shows it, or a part that is
larger than the whole.
"""

from collections.abc import Mapping

import msgspec

from spanwand.oddities import Oddity

MOST_TOKENS = 100_000_000
"""Of one call; ten times the largest context window there is."""


class Exclusive(msgspec.Struct, frozen=True):
    """What an instrumentation is known to leave out of a count: cached tokens, reasoning tokens."""

    input: bool = False
    output: bool = False
    unsaid: bool = False
    """Reasoning is in no count but the total."""
    other_input: bool = False
    """Text, image and audio tokens of the input may be in no count but the total."""


INCLUSIVE = Exclusive()


class Settled(msgspec.Struct):
    """What was done: a note for each field that was changed, and what was odd."""

    notes: dict[str, str] = msgspec.field(default_factory=dict)
    oddities: list[Oddity] = msgspec.field(default_factory=list)


def settle(usage: dict[str, int], total: int | None, known: Exclusive) -> Settled:
    """Make the counts in `usage` include their parts."""
    settled = Settled()
    _forget_nonsense(usage, settled)
    sent = (usage.get("input_tokens", 0), usage.get("output_tokens", 0))
    cached = usage.get("cached_input_tokens", 0) + usage.get("cache_write_input_tokens", 0)
    reasoning = usage.get("reasoning_output_tokens", 0)
    if known.unsaid and not reasoning and len(usage.keys() & _BOTH) == 2:
        _say(usage, (total or 0) - sum(sent), settled)
    by_total = _left_out(sum(sent), cached, reasoning, total)
    if "input_tokens" in usage and cached:
        _include(usage, "input_tokens", cached, (known.input, by_total.input), settled)
    if "output_tokens" in usage and reasoning:
        _include(usage, "output_tokens", reasoning, (known.output, by_total.output), settled)
    if total not in (None, sum(sent), _sum(usage)) and len(usage.keys() & _BOTH) == 2:
        _explain(usage, (total or 0) - _sum(usage), known, settled)
    return settled


_BOTH = {"input_tokens", "output_tokens"}
_ODD = {"input_tokens": Oddity.EXCLUSIVE_INPUT, "output_tokens": Oddity.EXCLUSIVE_OUTPUT}
_PARTS = {"input_tokens": "cached", "output_tokens": "reasoning"}


def _forget_nonsense(usage: dict[str, int], settled: Settled) -> None:
    """Take for unknown what is absurd, and zeros for both counts: no call of a model reads and writes nothing."""
    for field in [field for field, count in usage.items() if count > MOST_TOKENS]:
        del usage[field]
        settled.oddities.append(Oddity.ABSURD_COUNT)
    if usage.get("input_tokens") == usage.get("output_tokens") == 0:
        usage.clear()


def _explain(usage: dict[str, int], missing: int, known: Exclusive, settled: Settled) -> None:
    """Account for what is missing between the counts and their total."""
    if known.other_input and missing > 0:
        usage["input_tokens"] += missing
        settled.notes["usage.input_tokens"] = " (and what its total is larger)"
    else:
        settled.oddities.append(Oddity.WRONG_TOTAL)


def _left_out(sent: int, cached: int, reasoning: int, total: int | None) -> Exclusive:
    """What is missing between the counts and their total."""
    missing = (total or sent) - sent
    if missing <= 0:
        return INCLUSIVE
    return Exclusive(input=missing in (cached, cached + reasoning), output=missing in (reasoning, cached + reasoning))


def _include(usage: dict[str, int], field: str, part: int, shown: tuple[bool, bool], settled: Settled) -> None:
    known, by_total = shown
    impossible = part > usage[field]
    if not (known or by_total or impossible):
        return
    usage[field] += part
    settled.notes[f"usage.{field}"] = f" (was exclusive of {_PARTS[field]} tokens)"
    if impossible and not (known or by_total):
        settled.oddities.append(_ODD[field])


def _say(usage: dict[str, int], missing: int, settled: Settled) -> None:
    if missing > 0:
        usage["output_tokens"] += missing
        usage["reasoning_output_tokens"] = missing
        settled.notes["usage.output_tokens"] = " (and reasoning: what its total is larger)"


def _sum(usage: Mapping[str, int]) -> int:
    return usage.get("input_tokens", 0) + usage.get("output_tokens", 0)

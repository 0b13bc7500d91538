"""The self-test of redaction: what it would not let start (P6)."""

import pytest
from msgspec.structs import replace

from spanwand.config import RedactConfig
from spanwand.content import Content
from spanwand.errors import ConfigError
from spanwand.operations import Operation
from spanwand.record import Generation, Service
from spanwand.redactors.canaries import prove
from spanwand.redactors.pattern import Pattern
from spanwand.redactors.patterns import PATTERNS

REDACTED = RedactConfig(policy="redacted")
NOTHING = Generation(
    trace_id=b"",
    span_id=b"",
    start_ns=0,
    end_ns=0,
    service=Service(),
    dialect="",
    operation=Operation.CHAT,
    attributes={},
    sources={},
)


def test_what_leaves_nothing_behind_may_start() -> None:
    prove(lambda _: NOTHING, REDACTED)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_every_pattern_has_a_canary_in_a_label_and_in_what_was_said(pattern: Pattern) -> None:
    """A redaction that misses one pattern does not start, be it in labels or in what was said."""
    example = pattern.found[0]

    def misses_it_in_labels(generation: Generation) -> Generation:
        return replace(NOTHING, name=example if example in generation.name else "")

    def misses_it_in_what_was_said(generation: Generation) -> Generation:
        return replace(NOTHING, content=Content(input=example if example in generation.content.input else ""))

    for redact in (misses_it_in_labels, misses_it_in_what_was_said):
        with pytest.raises(ConfigError, match="came through its self-test"):
            prove(redact, REDACTED)


def test_of_full_what_was_said_is_not_proved() -> None:
    full = RedactConfig(policy="full", acknowledge_full=True)
    prove(lambda generation: replace(NOTHING, content=generation.content), full)

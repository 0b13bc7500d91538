"""P6: users under names that rotate, by the time at which a call began and by nothing else."""

import pytest
from tests.support.records import call, root

from spanwand.config import RedactConfig
from spanwand.drops import Drops
from spanwand.redact import Redact
from spanwand.redactors.users import pseudonym

KEY = b"k" * 32
PERIOD_NS = 30 * 86_400 * 1_000_000_000
STARTS_NS = (600 * PERIOD_NS, 601 * PERIOD_NS - 1, 601 * PERIOD_NS, 602 * PERIOD_NS, 0, 2**64 - 1)


def names(config: RedactConfig, user: str, key: bytes = KEY) -> list[str]:
    redact = Redact(config, key, Drops())
    calls = [redact(call(user=user, start_ns=start_ns)).user for start_ns in STARTS_NS]
    assert [redact.root(root(user=user, start_ns=start_ns)).user for start_ns in STARTS_NS] == calls
    return calls


def test_pseudonyms_rotate() -> None:
    """In another process too, and whenever a call comes. A clock that cannot be believed has a period as well."""
    config = RedactConfig(pseudonym_days=30)
    jane = names(config, "jane")
    assert jane == names(config, "jane")
    assert jane[0] == jane[1]
    assert len({*jane, pseudonym("jane", KEY)}) == 6
    assert set(jane).isdisjoint(names(config, "joan"))
    assert set(jane).isdisjoint(names(config, "jane", b"other key"))


@pytest.mark.parametrize("days", [0, 30])
def test_no_user_has_no_name(days: int) -> None:
    assert set(names(RedactConfig(pseudonym_days=days), "")) == {""}


def test_by_default_they_are_as_stable_as_the_key() -> None:
    assert set(names(RedactConfig(), "jane")) == {pseudonym("jane", KEY)}

"""R1: a target that is killed at random moments under load, and the account of every span afterwards."""

import random
import time
from collections import Counter
from collections.abc import Sequence

import msgspec

from tests.faults.otlp import SpanKey, input_tokens
from tests.faults.senders import OK, Load, Senders
from tests.faults.targets import Delivered, Target
from tests.support.daemon import until

SEED = 20_260_801
STARTED_S = 60.0


def spans_load(address: str) -> Load:
    """One of two senders, together 2,000 spans a second on eight calls."""
    return Load(address=address, spans_per_s=1000, in_flight=4)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the spans. All but the first two have to be 0."""

    acknowledged: int
    kills: int
    lost: int
    """Acknowledged, yet not among the rows."""
    doubled: int
    """Rows beyond the first of a span."""
    miscounted: int
    """Difference between what metrics and rows say, in spans; and in tokens."""
    miscounted_tokens: int

    def __str__(self) -> str:
        return (
            f"acknowledged {self.acknowledged:,}  kills {self.kills}  lost {self.lost:,}  "
            f"double-counted {self.doubled + max(self.miscounted, 0):,}"
        )


def account(acknowledged: set[SpanKey], kills: int, delivered: Delivered) -> Account:
    """Compare what was acknowledged with what came out."""
    rows = delivered.rows
    return Account(
        acknowledged=len(acknowledged),
        kills=kills,
        lost=len(acknowledged - rows.keys()),
        doubled=rows.total() - len(rows),
        miscounted=delivered.counted - len(rows),
        miscounted_tokens=delivered.tokens - sum(map(input_tokens, rows)),
    )


def kill_rounds(target: Target, rounds: int, senders: Sequence[Senders], pause_s: float = 6.0) -> Counter[str]:
    """Kill `target` `rounds` times under the load of `senders`; then end those and let everything come out.

    Each of them is acknowledged something before the first kill, however long a start takes. Returns what was killed
    how often.
    """
    rng = random.Random(SEED)
    killed: Counter[str] = Counter()
    target.start()
    until(lambda: all(each.codes()[OK] for each in senders), STARTED_S)
    for _ in range(rounds):
        time.sleep(rng.uniform(0.2, pause_s))
        what = target.kill(rng)
        killed[what] += 1
        if what != "wandb-core":
            time.sleep(rng.choice([0, 0, 0, rng.uniform(0, 0.5)]))
            target.start()
    time.sleep(1)
    for each in senders:
        each.stop()
    target.drain()
    return killed

"""What a sink says about a batch. Closed: a fourth outcome breaks every `match` that ends in `assert_never`."""

import msgspec


class Delivered(msgspec.Struct, frozen=True):
    """The batch's effect is proven; it may be forgotten."""


class Retry(msgspec.Struct, frozen=True):
    """Not now: offer the same batch again after `after_s` seconds. `why` is shown by `spanwand status`."""

    after_s: float
    why: str
    is_getting_on: bool = False
    """More of the batch is in than before: no reason to wait longer from try to try."""


class Rejected(msgspec.Struct, frozen=True):
    """Never: this batch would fail every time. It is counted and passed over."""

    why: str


Outcome = Delivered | Retry | Rejected

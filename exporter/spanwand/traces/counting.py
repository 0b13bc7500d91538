"""How a call was counted, where that is not plain: one span, one call, one try. The rules are in `duplicates`."""

import msgspec


class Counting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`attempt` is 1 for the first try of a call; one `is_retried` failed and was made again, so it is no call itself.

    `is_fallback`: another model was asked before and failed. `rules` are those that decided, by name.
    """

    attempt: int = 1
    is_retried: bool = False
    is_fallback: bool = False
    rules: tuple[str, ...] = ()


PLAIN = Counting()

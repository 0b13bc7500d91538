"""Finds the history rows of a run that W&B refuses, among those that it takes (R12)."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from spanwand.sinks.wandb.core_log import PERMANENT, Problem
from spanwand.sinks.wandb.isolation import Isolation
from spanwand.sinks.wandb.records import RowKey

MAX_UPLOADS = 64
"""In one go, a few seconds each; the next goes on."""


class RefusedRow(NamedTuple):
    """A history row that W&B will not have, and what it says about that."""

    key: RowKey
    why: str


def find_refused(
    send: Callable[[Sequence[RowKey]], Problem], missing: Callable[[], Sequence[RowKey]]
) -> Iterator[RefusedRow]:
    """The rows that W&B refuses one by one, once all others are in.

    All that is missing has been sent, and refused. `send` uploads some rows of the run and nothing else of its history;
    `missing` is what W&B has not, in order. A W&B that refuses even none of the rows has something against the run.
    """
    if send([]).status in PERMANENT:
        return
    isolation = Isolation()
    isolation.refused(len(missing()))
    given_up: Counter[RowKey] = Counter()
    for _ in range(MAX_UPLOADS):
        left = _without(missing(), given_up)
        chunk = left[: isolation.size(len(left))]
        if not chunk:
            return
        problem = send(chunk)
        if problem.status not in PERMANENT:
            if _without(missing(), given_up)[:1] == chunk[:1]:
                return  # not in, and not refused either: another time
            isolation.taken(len(chunk))
        elif isolation.refused(len(chunk)):
            given_up.update(chunk)
            yield from (RefusedRow(key, str(problem)) for key in chunk)


def _without(keys: Sequence[RowKey], given_up: Counter[RowKey]) -> list[RowKey]:
    left = Counter(given_up)
    kept = []
    for key in keys:
        if left[key]:
            left[key] -= 1
        else:
            kept.append(key)
    return kept

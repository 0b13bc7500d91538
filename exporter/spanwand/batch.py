"""What the end of the line makes: verdicts on rows, and batches of updates to runs."""

from collections.abc import Mapping, Sequence

import msgspec


class Verdict(msgspec.Struct, frozen=True):
    """Whether a Table row is kept, and why. `weight` is 1 / inclusion probability, so totals stay unbiased.

    Where there is no room for all rows, those of the lowest `rank` stay: the random number of the trace, from 0 to 1,
    by its `priority`.
    """

    keep: bool
    weight: float
    reason: str
    priority: float = 1.0
    rank: float = 0.0


class RunKey(msgspec.Struct, frozen=True, kw_only=True):
    """Which W&B run something belongs to. Empty entity or project: the configured default."""

    entity: str = ""
    project: str = ""
    group: str
    job_type: str
    name: str


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something to say aloud about a run: what W&B shows of it, at most 63 characters of title, and what it is about.

    `level` is `INFO`, `WARN` or `ERROR`; `figure`, of `alert_rule.py`, was `value`.
    """

    title: str
    text: str
    level: str
    figure: str
    value: float


class RunUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """What one batch adds to one run.

    `points` are the history keys of `metrics.py`. `rows` maps a table of `tables.py` to rows in the order of its
    columns; the line's are packed, and made as they are looked at. `config` is the run's config, the same in every
    update of a run; `tags` likewise. `alerts` are about these points, and never without any.
    """

    run: RunKey
    config: Mapping[str, str | int | float | bool]
    tags: tuple[str, ...] = ()
    points: Mapping[str, float | int]
    rows: Mapping[str, Sequence[tuple[object, ...]]]
    alerts: tuple[Alert, ...] = ()


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the line has to say about one window of journal time.

    `seq` is the journal position behind the last frame the batch covers: unique, increasing, and the same when the
    journal is replayed. A restart has to replay from `low`, the first frame that anything still open needs.
    """

    seq: int
    low: int
    start_ns: int
    end_ns: int
    updates: tuple[RunUpdate, ...]

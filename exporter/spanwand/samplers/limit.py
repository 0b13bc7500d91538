"""Keep less of what there is much of: users, models or sessions do not push each other out of the Tables."""

from collections import Counter

from spanwand.config import SampleConfig
from spanwand.ports import Sampled, Sampler
from spanwand.record import Clean
from spanwand.request import Request

MAX_KEYS = 10_000
"""Keys counted in one interval; further ones share a count."""


def sampler(config: SampleConfig) -> Sampler | None:
    """A sampler that keeps `ratio` of the first `limit` traces of each key, and of the n-th one `limit / n` of that.

    Of n traces those are limit * (1 + log(n / limit)): a thousand times as many make eight times as many rows.
    """
    if not config.limit_by:
        return None
    seen: Counter[str] = Counter()
    ratio, limit, by = config.ratio, config.limit, config.limit_by

    def limited(records: Sampled) -> float:
        key = max(_key(record, by) for record in records)
        if key not in seen and len(seen) >= MAX_KEYS:
            key = ""
        seen[key] += 1
        return ratio * min(1.0, limit / seen[key])

    return limited


def _key(record: Clean | Request, by: str) -> str:
    if by == "service":
        return record.service.name
    value = getattr(record, by, "")
    return value if isinstance(value, str) else ""

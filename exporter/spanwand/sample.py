"""Which Table rows are kept, and what each stands for. It marks and never removes: metrics count everything.

Every sampler maps what came out of a trace to a priority: the share of such traces to keep. The highest one wins, and
one comparison with the trace's random number decides about all its rows. As no priority depends on that number, rows
weighed by 1 / probability give totals without bias, whatever the samplers are.
"""

import logging
from collections.abc import Callable, Mapping, Sequence

from spanwand.batch import Verdict
from spanwand.config import SampleConfig
from spanwand.consistent import ALL, NO_SHARE, Share, place_of, sent_share
from spanwand.ports import Sampled, Sampler
from spanwand.record import Clean
from spanwand.request import Request
from spanwand.samplers import OF_THE_INTERVAL, OF_THE_TRACE
from spanwand.traces.trace import Trace

_log = logging.getLogger(__name__)
Samplers = Mapping[str, Callable[[SampleConfig], Sampler | None]]


class Sample:
    """The samplers, for the calls of a trace and its Request together."""

    def __init__(
        self, config: SampleConfig, of_the_trace: Samplers = OF_THE_TRACE, of_the_interval: Samplers = OF_THE_INTERVAL
    ) -> None:
        """Samplers by name; of those that say the same, the first is the reason."""
        self._config = config
        self._of_the_trace = _made(of_the_trace, config)
        self._of_the_interval = of_the_interval
        self._broken: set[str] = set()
        self.rows_handed_over()

    def rows_handed_over(self) -> None:
        """Begin an interval. What is counted from here on, a replay counts too: it holds all whose rows wait."""
        self._counting = _made(self._of_the_interval, self._config)

    def __call__(self, calls: Sequence[Clean], request: Request | None, trace: Trace | None = None) -> list[Verdict]:
        """Decide about the rows of what came out of a trace together: one verdict for each call, then the Request's.

        What comes out later is kept with at least the same probability. That must be the same in a replay that begins
        with the trace, so what was counted in an earlier interval has no part in it.
        """
        records: list[Clean | Request] = [*calls] if request is None else [*calls, request]
        if not records:
            return []
        place = place_of(records)
        if any([record.trace_state for record in records]):
            return self._each(records, [sent_share(record, place) for record in records], place, trace)
        return [_verdict(self._share(records, ALL, trace), ALL, place)] * len(records)

    def _each(
        self, records: Sequence[Clean | Request], sent: list[int], place: int, trace: Trace | None
    ) -> list[Verdict]:
        """Senders may have sampled some harder than others: each weighs by what was done to it.

        And what is found in a record that was sent with some probability is found with that probability. A Request is
        there if any of its calls is, and what it says depends on all of them.
        """
        found = sent
        if isinstance(records[-1], Request) and len(records) > 1:
            found, sent = [*sent[:-1], min(sent[:-1])], [*sent[:-1], max(sent[:-1])]
        share = NO_SHARE
        for kept in sorted(set(found), reverse=True):
            some = [record for record, its in zip(records, found, strict=True) if its == kept]
            share = _higher(share, self._share(some, kept, trace))
        return [_verdict(share, kept, place) for kept in sent]

    def _share(self, records: Sampled, sent: int, trace: Trace | None) -> Share:
        share = NO_SHARE if trace is None else trace.share
        for name, sampler in self._of_the_trace:
            share = self._asked(name, sampler, records, sent, share)
        if trace is not None:
            trace.share = share
        for name, sampler in self._counting:
            share = self._asked(name, sampler, records, sent, share)
        return share if share.priority else Share(sent, 1.0, "default")

    def _asked(self, name: str, sampler: Sampler, records: Sampled, sent: int, share: Share) -> Share:
        """The share, or what one more sampler says if that is higher. One that raises keeps the rows."""
        try:
            priority = sampler(records)
        except Exception:  # noqa: BLE001 - a sampler may be anyone's, and must not stop the line
            self._log_once(name)
            name, priority = f"{name}_failed", 1.0
        if not priority > 0:
            return share
        kept = sent if priority >= 1 else min(sent, max(round(priority * ALL), 1))
        return _higher(share, Share(kept, priority, name))

    def _log_once(self, name: str) -> None:
        if name not in self._broken:
            self._broken.add(name)
            _log.exception("sampler %s failed; rows it fails on are kept (this is logged once)", name)


def _made(samplers: Samplers, config: SampleConfig) -> tuple[tuple[str, Sampler], ...]:
    made = ((name, sampler(config)) for name, sampler in samplers.items())
    return tuple((name, sampler) for name, sampler in made if sampler is not None)


def _higher(one: Share, other: Share) -> Share:
    if other.priority <= one.priority and other.kept <= one.kept:
        return one
    return Share(
        max(one.kept, other.kept),
        max(one.priority, other.priority),
        other.reason if other.priority > one.priority else one.reason,
    )


def _verdict(share: Share, sent: int, place: int) -> Verdict:
    return Verdict(
        keep=place <= share.kept,
        weight=ALL / min(sent, share.kept),
        reason=share.reason,
        priority=share.priority,
        rank=place / (share.priority * ALL),
    )

"""The line: the stages in order. What it makes is a function of the frames it is fed, and of nothing else.

    decode -> deduplicate -> normalise -> price -> redact -> gather -> sample -> aggregate -> alert -> Batch
    logs:     decode -> supplement -> redact -> gather
    metrics:  decode -> measure -> aggregate; readings of GPUs as below
    images:   redact -> gather
    GPUs:     meter -> aggregate, attribute -> gather

Time is the frames' arrival, which never decreases; no stage looks at a clock. So a replay gives the same batches, and
one from a batch's `low` the same behind it. `low` is always the first frame of a window, for stages count by window.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from spanwand.aggregate import Aggregate
from spanwand.alert import Alerts
from spanwand.attribute import Attribute
from spanwand.batch import Batch
from spanwand.config import LineConfig
from spanwand.decode import Decode
from spanwand.decode_logs import DecodeLogs
from spanwand.decode_metrics import DecodeMetrics
from spanwand.deduplicate import Deduplicate
from spanwand.drops import Drops
from spanwand.events import Evaluation
from spanwand.gather import Gather, Settled
from spanwand.measure import Measure
from spanwand.meter import Meter
from spanwand.normalise import Normalise
from spanwand.price import Price
from spanwand.record import Generation
from spanwand.redact import Redact, opened
from spanwand.redactors.media import media
from spanwand.references import Named
from spanwand.sample import Sample
from spanwand.span import Keys, Span
from spanwand.supplement import Supplement
from spanwand.traces.step import evidence_of
from spanwand.uploads import Uploads


class Pipeline:
    """Frames in, batches out. `start` and `end` are a frame's journal positions, `arrival_ns` its arrival time.

    A batch covers one window. It comes out when a later frame shows that the window is over (its `seq` is that
    frame's `start`), or from `drain` (its `seq` is the drain frame's `end`).
    """

    def __init__(self, config: LineConfig, key: bytes, named: Named | None = None) -> None:
        """`key` is the secret of user pseudonyms; `named` is told of files. Raises ConfigError for what cannot work."""
        self.drops = drops = Drops()
        """Counts not yet in a batch. What fills the line may add what was lost before it."""
        self._deduplicate = Deduplicate(config.deduplicate, config.gather.late_s + config.aggregate.window_s, drops)
        self._normalise = Normalise(config.gather.request_attributes)
        self._decode = Decode(self._normalise.keys, drops)
        self._supplement = Supplement(self._normalise.service)
        self._decode_logs = DecodeLogs({**self._normalise.resource_parsers, **self._supplement.parsers}, drops)
        self._redact = Redact(config.redact, key, drops, media=media(config.media, drops, named))
        self._measure = Measure(config.measure, drops, self._redact.name)
        attributes = {**self._normalise.resource_parsers, **self._measure.parsers}
        self._decode_metrics = DecodeMetrics(self._measure.wanted, attributes, drops)
        self._price = Price(config.price)
        self._meter = Meter(config.deduplicate.max_journal_bytes, drops)
        self._attribute = Attribute(config, self._price.book.gpu_hour_usd, drops)
        self._uploads = Uploads(drops, wanted=config.media.columns > 0)
        duplicates: Counter[str] = Counter()
        self._gather = Gather(config.gather, drops, duplicates, self._attribute)
        self._sample = Sample(config.sample)
        self._aggregate = Aggregate(config, drops, self._redact.counts, self._normalise.oddities, duplicates)
        self._alerts = Alerts(config.alerts, config.aggregate.window_s)
        self._window_ns = config.aggregate.window_s * 1_000_000_000
        self._rows_interval_ns = config.aggregate.rows_interval_s * 1_000_000_000
        self._window_start_ns: int | None = None
        self._arrival_ns = self._end = 0

    def traces(self, start: int, end: int, arrival_ns: int, body: bytes) -> Batch | None:
        """Take an OTLP trace request."""
        batch = self._enter(start, end, arrival_ns)
        spans, received = self._decode(body)
        self._aggregate.received(spans_received=received)
        self._meter.hear(spans, self._normalise.home, arrival_ns)
        self._take(spans, arrival_ns)
        return batch

    def spans(self, start: int, end: int, arrival_ns: int, spans: Iterable[Span], received: int) -> Batch | None:
        """Take spans that were never on a wire: those that matter, out of `received`."""
        batch = self._enter(start, end, arrival_ns)
        self._aggregate.received(spans_received=received)
        self._take(spans, arrival_ns)
        return batch

    def logs(self, start: int, end: int, arrival_ns: int, body: bytes) -> Batch | None:
        """Take an OTLP logs request: what its events say of calls, and evaluations."""
        batch = self._enter(start, end, arrival_ns)
        events, received = self._decode_logs(body)
        self._aggregate.received(log_records_received=received, log_records_read=len(events))
        for said in map(self._supplement, events):
            if isinstance(said, Evaluation):
                if self._deduplicate.is_new(said.key):
                    judged = self._gather.rated(said, arrival_ns)
                    self._aggregate.evaluation(self._redact.evaluation(judged))
            elif said is not None:
                self._gather.supplement(self._redact(said), arrival_ns)
        return batch

    def media(self, start: int, end: int, arrival_ns: int, body: bytes) -> Batch | None:
        """Take an image that was uploaded for a call."""
        batch = self._enter(start, end, arrival_ns)
        upload = self._uploads(body)
        if upload is not None:
            self._gather.supplement(self._redact(upload), arrival_ns)
        return batch

    def metrics(self, start: int, end: int, arrival_ns: int, body: bytes) -> Batch | None:
        """Take an OTLP metrics request."""
        batch = self._enter(start, end, arrival_ns)
        points, received = self._decode_metrics(body)
        self._aggregate.received(metric_points_received=received, metric_points_read=len(points))
        pairs, others = self._meter.sent(points, self._normalise.home, arrival_ns)
        self._attribute.read(pairs)
        for point, readings in self._measure(others, arrival_ns):
            self._aggregate.measured(self._redact.home(self._normalise.home(point.resource)), readings)
        return batch

    def gpus(self, start: int, end: int, arrival_ns: int, body: bytes) -> Batch | None:
        """Take readings of GPUs (`gpu_sample`)."""
        batch = self._enter(start, end, arrival_ns)
        self._attribute.read(self._meter(body, arrival_ns))
        return batch

    def tick(self, start: int, end: int, arrival_ns: int) -> Batch | None:
        """Let time pass."""
        return self._enter(start, end, arrival_ns)

    def drain(self, start: int, end: int, arrival_ns: int) -> Batch | None:
        """Close every open trace and window: what follows `end` starts afresh, but for repeats of what came before.

        A drain belongs into the journal like any frame, or a replay across it would not repeat it.
        """
        self._open(start, arrival_ns - arrival_ns % self._window_ns)
        self._count(self._gather.drain())
        self._deduplicate.drain()
        self._attribute.drain()
        self._metered()
        self._meter.clear()
        return self._close(end, rows_due=True)

    def forget(self, start: int, end: int, arrival_ns: int, before: int) -> Batch | None:
        """Know no repeats of spans from before a position any more: there is no room to keep what that takes.

        A drain, whatever is open: a replay may have more open here, for it takes the first repeats for new spans.
        """
        self._deduplicate.forget(before)
        self._measure.forget(before)
        return self.drain(start, end, arrival_ns)

    def calls(self, body: bytes) -> Iterator[Generation]:
        """The model calls of an OTLP trace request as they leave, for people to look at; they go no further."""
        for span in self._decode(body)[0]:
            generation = self._normalise(span)
            if generation is not None:
                yield opened(self._redact(self._price(generation)))

    @property
    def keys(self) -> Keys:
        """Which attributes matter, for who decodes before the line."""
        return self._normalise.keys

    @property
    def low(self) -> int:
        """Frames before this position are not needed any more; the end of the last frame if none is."""
        return self._lowest(self._needed, self._attribute.low)

    @property
    def _needed(self) -> int:
        """The same for all but the shares of GPUs. For some of it nothing waits, but a replay has to know it."""
        return self._lowest(self._held, self._deduplicate.low, self._measure.low, self._meter.low)

    @property
    def _held(self) -> int:
        return self._lowest(self._gather.low, self._aggregate.low)

    @property
    def waiting(self) -> bool:
        """Something is open: time has to pass (ticks) for it to come out."""
        return self._lowest(self._held, self._meter.waiting_low) < self._end

    def _lowest(self, *positions: int | None) -> int:
        return min((position for position in positions if position is not None), default=self._end)

    def _take(self, spans: Iterable[Span], arrival_ns: int) -> None:
        normalise, price, redact, gather = self._normalise, self._price, self._redact, self._gather
        waits = self._attribute.waits if self._attribute.is_live else None
        for span in self._deduplicate(spans):
            if (generation := normalise(span, arrival_ns)) is not None:
                evidence = evidence_of(span.resource.scope_name, generation.response_id)
                call = redact(price(generation))
                if waits:
                    waits(call, arrival_ns)
                if settled := gather.generation(call, arrival_ns, evidence):  # nothing, nearly always
                    self._count(settled)
            if (root := normalise.root(span)) is not None:
                gather.root(redact.root(root), arrival_ns)

    def _metered(self) -> None:
        for home, readings in self._meter.close_window(self._attribute.close_window()):
            self._aggregate.measured(self._redact.home(home), readings)

    def _count(self, settled: Iterable[Settled]) -> None:
        sample, aggregate = self._sample, self._aggregate
        for calls, request, trace in settled:
            verdicts = sample(calls, request, trace)
            for call, verdict in zip(calls, verdicts, strict=False):
                aggregate.generation(call, verdict)
            if request is not None:
                aggregate.request(request, verdicts[-1])

    def _enter(self, start: int, end: int, arrival_ns: int) -> Batch | None:
        """Close the window that the frame's arrival leaves behind, open the frame's own, let due traces go."""
        window_start_ns = arrival_ns - arrival_ns % self._window_ns
        batch = None
        if self._window_start_ns is not None and window_start_ns > self._window_start_ns:
            intervals = (self._window_start_ns // self._rows_interval_ns, window_start_ns // self._rows_interval_ns)
            batch = self._close(start, rows_due=intervals[0] < intervals[1])
        self._open(start, window_start_ns)
        self._arrival_ns, self._end = arrival_ns, end
        self._count(self._gather.due(arrival_ns))
        return batch

    def _open(self, start: int, window_start_ns: int) -> None:
        if self._window_start_ns is None:
            self._window_start_ns, self._end = window_start_ns, start
            for stage in (self._deduplicate, self._redact, self._measure, self._meter, self._aggregate):
                stage.open_window(start, window_start_ns)
            self._gather.open_window(start)
            self._attribute.open_window(start, window_start_ns, self._needed, self._held)

    def _close(self, seq: int, *, rows_due: bool) -> Batch | None:
        start_ns, self._window_start_ns, self._end = self._window_start_ns, None, seq
        self._metered()
        updates = self._aggregate.close_window(rows_due=rows_due)
        if rows_due:
            self._gather.rows_handed_over()
            self._sample.rows_handed_over()
            self._deduplicate.rows_handed_over(self._arrival_ns)
        if start_ns is None or not updates:
            return None
        end_ns, updates = start_ns + self._window_ns, self._alerts(updates, start_ns)
        return Batch(seq=seq, low=self.low, start_ns=start_ns, end_ns=end_ns, updates=updates)

"""A span through the stages of the line, with what each of them did to it."""

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from spanwand.batch import Verdict
from spanwand.config import LineConfig
from spanwand.decode import Decode
from spanwand.drops import Drops
from spanwand.normalise import Normalise
from spanwand.operations import FAMILY_OF, Family
from spanwand.otlp.v1 import view_pb2
from spanwand.price import Price
from spanwand.prices.book import Quote
from spanwand.record import Clean, Generation
from spanwand.redact import Redact, opened
from spanwand.redactors.media import media
from spanwand.redactors.scrub import Scrubber
from spanwand.sample import Sample
from spanwand.span import Span
from spanwand.traces.counting import PLAIN
from spanwand.traces.step import evidence_of
from spanwand_sidecar.explain.fields import Field, changes, fields
from spanwand_sidecar.explain.traces import Counted, Together, TotalOfTrace
from spanwand_sidecar.explain.unread import unread

Kind = Literal["model call", "step", "root", "other", "repeat", "dropped"]


class Explained(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What becomes of one span. What a stage did not get to see is absent."""

    trace_id: str
    span_id: str
    parent_span_id: str = ""
    name: str
    scope: str
    kind: Kind
    why: str
    is_root: bool = False
    dialect: str = ""
    operation: str = ""
    counted_in: str = ""
    latency_s: float | None = None
    fields: tuple[Field, ...] = ()
    rules: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    """Keys of attributes that no dialect reads."""
    price: Quote | None = None
    redacted: Mapping[str, int] = {}
    """How often each pattern was taken out."""
    is_counted: bool | None = None
    """Whether the call counts here; if not, another span reports it."""
    attempt: int = 1
    is_retried: bool = False
    is_fallback: bool = False
    row: Verdict | None = None


class Explain:
    """Explains spans, one after the other; the same one twice is a repeat. `settle` tells what they are together."""

    def __init__(self, config: LineConfig, key: bytes, *, raw: bool = False) -> None:
        """`key` is the secret of pseudonyms. `raw`: values as they were sent, secrets and prompts too."""
        self._raw = raw
        self._drops = Drops()
        self._normalise = Normalise(config.gather.request_attributes)
        self._decode = Decode(self._normalise.keys, self._drops)
        self._price = Price(config.price)
        self._redact = Redact(config.redact, key, self._drops, media=media(config.media, self._drops))
        self._together = Together(config.gather, Sample(config.sample))
        self._calls: list[tuple[Clean, Explained]] = []
        self._scrub = Scrubber().scrub
        self._seen: set[tuple[bytes, bytes]] = set()

    def __call__(self, request: view_pb2.TracesRequest) -> Iterator[Explained]:
        """What becomes of each span of a request, in order; what it counts as shows when all are settled."""
        for resource_spans in request.resource_spans:
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    yield self._explain(span, scope_spans.scope, resource_spans.resource)

    def settle(self) -> list[TotalOfTrace]:
        """Complete what was told about each span, and return the requests. No more spans come."""
        counted, requests = self._together.settle()
        for call, explained in self._calls:
            _complete(explained, call, counted.get((call.trace_id, call.span_id)))
        return requests

    def _explain(self, span: view_pb2.Span, scope: view_pb2.Scope, resource: view_pb2.Resource) -> Explained:
        explained = Explained(
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_span_id=span.parent_span_id.hex(),
            name=span.name.decode(errors="replace") if self._raw else self._scrub(span.name.decode(errors="replace")),
            scope=self._scrub(f"{scope.name} {scope.version}".strip()),
            kind="other",
            why=f"no model call: none of its {len(span.attributes)} attributes tells one",
        )
        scoped = view_pb2.ScopeSpans(scope=scope, spans=[span])
        alone = view_pb2.ResourceSpans(resource=resource, scope_spans=[scoped])
        request = view_pb2.TracesRequest(resource_spans=[alone])
        self._drops.clear()
        decoded, _ = self._decode(request.SerializeToString())
        if self._drops:
            explained.kind, explained.why = "dropped", f"dropped: {next(iter(self._drops))}"
        elif (span.trace_id, span.span_id) in self._seen:
            explained.kind, explained.why = "repeat", "sent before: counts once"
        elif decoded:
            self._seen.add((span.trace_id, span.span_id))
            self._matters(decoded[0], explained)
            if explained.dialect:
                explained.unread = tuple(map(self._scrub, unread(span.attributes, self._normalise.keys)))
        return explained

    def _matters(self, span: Span, explained: Explained) -> None:
        """Fill in what becomes of a span that the line does not pass over."""
        root = self._normalise.root(span)
        explained.is_root = root is not None
        self._normalise.oddities.clear()
        generation = self._normalise(span)
        if generation is None:
            explained.kind, explained.why = "root", f"{explained.why}; as the root of its trace it names the request"
        else:
            self._call(generation, span.resource.scope_name, explained)
        if root is not None:
            self._together.root(self._redact.root(root))

    def _call(self, generation: Generation, scope_name: str, explained: Explained) -> None:
        family = FAMILY_OF.get(generation.operation)
        explained.kind = "step" if family is None else "model call"
        explained.why = "a step of its request, no call of a model" if family is None else "a call of a model"
        explained.dialect, explained.operation = generation.dialect, generation.operation.value
        explained.counted_in = family.value if family else "request"
        explained.latency_s = generation.latency_s
        notes = [f"{path}: {source}" for path, source in generation.sources.items() if " " in source]
        explained.rules = (*notes, *(f"odd: {oddity}" for oddity in self._normalise.oddities))
        if family is not None:
            explained.price = self._price.book.quote(generation)
        priced, before = self._price(generation), dict(self._redact.counts)
        shown = opened(clean := self._redact(priced))
        taken = {name: count - before.get(name, 0) for name, count in self._redact.counts.items()}
        explained.redacted = {name: count for name, count in taken.items() if count}
        explained.fields = tuple(fields(priced, shown, raw=self._raw))
        self._together.call(clean, evidence_of(scope_name, generation.response_id))
        self._calls.append((clean, explained))


def _complete(explained: Explained, call: Clean, found: Counted | None) -> None:
    """Fill in what a call counts as; another step counts only where it stands for calls that left no span."""
    if explained.kind == "step":
        if found is None or found.counting is None:
            return
        explained.why, explained.counted_in = "a step that stands for calls that left no span", Family.LLM.value
    explained.is_counted = found is not None
    if found is not None:
        explained.row = found.row
        explained.rules += tuple(changes(call, found.call))
        counting = found.counting or PLAIN
        explained.attempt, explained.is_retried = counting.attempt, counting.is_retried
        explained.is_fallback = counting.is_fallback
        explained.rules += tuple(f"counting: {rule}" for rule in counting.rules)

"""What the line reads of OTLP in a file, as it comes to redaction: model calls, and what log events say of them."""

from collections.abc import Callable, Iterator

from spanwand.config import LineConfig
from spanwand.decode import Decode
from spanwand.decode_logs import DecodeLogs
from spanwand.drops import Drops
from spanwand.errors import ConfigError
from spanwand.events import Evaluation
from spanwand.normalise import Normalise
from spanwand.record import Generation
from spanwand.supplement import Supplement
from spanwand_sidecar.explain.requests import requests
from spanwand_sidecar.receive.signals import Signal

Record = Generation | Evaluation
Titled = Iterator[tuple[str, Record]]


def records(data: bytes, config: LineConfig) -> Titled:
    """The records in OTLP of traces or logs, each with a title. Raises ConfigError if it is none."""
    found = requests(data)
    normalise = Normalise(config.gather.request_attributes)
    readers = {Signal.TRACES: _spans(normalise), Signal.LOGS: _events(normalise)}
    if not any(body for _, body in found) or not readers.keys() >= {signal for signal, _ in found}:
        raise ConfigError("it holds no OTLP of traces or logs")
    for signal, body in found:
        yield from readers[signal](body)


def _spans(normalise: Normalise) -> Callable[[bytes], Titled]:
    decode = Decode(normalise.keys, Drops())

    def read(body: bytes) -> Titled:
        for span in decode(body)[0]:
            call = normalise(span)
            if call is not None:
                yield f"span {call.span_id.hex()}", call

    return read


def _events(normalise: Normalise) -> Callable[[bytes], Titled]:
    supplement = Supplement(normalise.service)
    decode = DecodeLogs({**normalise.resource_parsers, **supplement.parsers}, Drops())

    def read(body: bytes) -> Titled:
        for event in decode(body)[0]:
            said = supplement(event)
            if said is not None:
                about = f"span {said.span_id.hex()}" if said.span_id else f"trace {said.trace_id.hex() or 'not known'}"
                yield f"{event.name} of {about}", said

    return read

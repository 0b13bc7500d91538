"""What the line reads of each captured case, and what the API answered."""

import json
from functools import cache
from pathlib import Path

import msgspec

from spanwand.config import GatherConfig, RedactConfig
from spanwand.decode import Decode
from spanwand.drops import Drops
from spanwand.gather import Gather, Settled
from spanwand.normalise import Normalise
from spanwand.operations import FAMILY_OF
from spanwand.price import Price
from spanwand.record import Clean, Generation, Usage
from spanwand.redact import Redact, opened
from spanwand.traces.step import evidence_of
from tests.support.otlp_json import Json, spans_of, to_bytes

GOLDEN = Path(__file__).parent
CASES = sorted(path.parent for path in GOLDEN.glob("*/*/in.json"))
NESTED = sorted(path.parent for path in GOLDEN.glob("nested/*/*/in.json"))
"""Those in which several instrumentations report the same calls."""
DROPS = Drops()
NORMALISE, PRICE = Normalise(("comic.id",)), Price()
DECODE = Decode(NORMALISE.keys, DROPS)
REDACT = Redact(RedactConfig(policy="redacted"), bytes(32), DROPS)


@cache
def captured_in(case: Path) -> Json:
    captured: Json = json.loads((case / "in.json").read_text())
    return captured


@cache
def generations(case: Path) -> list[Generation]:
    """The first four stages over a captured request."""
    sent = captured_in(case)["request"]
    spans, received = DECODE(to_bytes(sent))
    assert received == len(list(spans_of(sent)))
    found = (NORMALISE(span) for span in spans)
    made: list[Generation] = [opened(REDACT(PRICE(generation))) for generation in found if generation]
    assert not DROPS
    return sorted(made, key=lambda generation: generation.start_ns)


@cache
def calls(case: Path) -> list[Clean]:
    """The model calls that the line counts: one each, whatever spans report it (`gather`)."""
    drops = Drops()
    gather, settled = Gather(GatherConfig(), drops), list[Settled]()
    gather.open_window(0)
    for span in DECODE(to_bytes(captured_in(case)["request"]))[0]:
        made = NORMALISE(span)
        if made is not None:
            evidence = evidence_of(span.resource.scope_name, made.response_id)
            settled += gather.generation(REDACT(PRICE(made)), 1, evidence)
        root = NORMALISE.root(span)
        if root is not None:
            gather.root(REDACT.root(root), 1)
    settled += gather.drain()
    assert not drops.total()
    return [call for some in settled for call in some.calls if call.operation in FAMILY_OF or call.counting]


Counts = dict[str, int | str]


def counts(model: str, usage: Usage, images: int | None) -> Counts:
    """What both sides know of one call; instrumentations leave a count of 0 out."""
    tokens: dict[str, int | None] = msgspec.structs.asdict(usage)
    return {"model": model, "images": images or 0, **{field: count or 0 for field, count in tokens.items()}}


def read_counts(case: Path) -> list[Counts]:
    """What the line reads of every successful model call."""
    return [
        counts(made.model, made.usage, made.image.images if made.image else 0)
        for made in calls(case)
        if made.failure is None
    ]


def answered_counts(captured: Json) -> list[Counts]:
    """What the API answered to every successful call."""
    return [
        counts(answer["model"], msgspec.convert(answer["usage"], Usage), answer["images"])
        for answer in captured["answered"]
        if answer["status"] == 200
    ]

"""Fake secrets in every text of a record: on them the whole policy is tried before anything starts.

Each text gets an e-mail address, plain, encoded and escaped: so it is known that all of them are scrubbed. A label and
what was said get an example of every pattern, from the pattern's own row: so none can lack a canary.
"""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import asdict, replace

from spanwand.content import Content
from spanwand.errors import ConfigError
from spanwand.operations import Operation
from spanwand.record import Failure, Generation, ImageParams, Service
from spanwand.redact_config import RedactConfig
from spanwand.redactors.labels import LABELS
from spanwand.redactors.patterns import PATTERNS

ADDRESSES = {
    "email": "to canary@example.com",
    "encoded email": "to canary%40example.com",
    "escaped email": r"to canary\u0040example.com",
}
EXAMPLES = tuple((pattern.name, pattern.found[0]) for pattern in PATTERNS)


def prove(redact: Callable[[Generation], Generation], config: RedactConfig) -> None:
    """Redact records full of fake secrets. Raises ConfigError if one of them would leave."""
    is_read = config.policy != "full"
    for text in ADDRESSES.values():
        _expect_none(ADDRESSES.items(), redact(_record(text, text if is_read else "")))
    together = "\n".join(example for _, example in EXAMPLES)
    said = Content(input=together if is_read else "")
    _expect_none(EXAMPLES, redact(replace(_record("", ""), name=together, content=said)))


def _expect_none(examples: Iterable[tuple[str, str]], redacted: Generation) -> None:
    left = str(asdict(redacted)).replace("\\\\", "\\")
    for name, example in examples:
        if max(example.split(), key=len) in left:
            raise ConfigError(f"redaction does not work: a fake {name} came through its self-test")


def _record(text: str, said: str) -> Generation:
    labels: dict[str, Any] = dict.fromkeys(LABELS, text)
    return Generation(
        trace_id=bytes(16),
        span_id=bytes(8),
        start_ns=0,
        end_ns=0,
        service=Service(**dict.fromkeys(Service.__struct_fields__, text)),
        dialect="",
        operation=Operation.CHAT,
        content=Content(**dict.fromkeys(Content.__struct_fields__, said)),
        image=ImageParams(quality=text, pipeline=text, scheduler=text, loras=(text,)),
        failure=Failure(text, said),
        finish_reasons=(text,),
        user=text,
        response_id=text,
        attributes={"a": text, "b": {"c": (text,)}},
        sources={},
        **labels,
    )

"""Fake secrets in every text of a record: on them the whole policy is tried before anything starts."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import asdict

from spanwand.content import Content
from spanwand.errors import ConfigError
from spanwand.operations import Operation
from spanwand.record import Failure, Generation, ImageParams, Service
from spanwand.redact_config import RedactConfig
from spanwand.redactors.labels import LABELS

CANARIES = {
    "email": "to canary@example.com",
    "encoded email": "to canary%40example.com",
    "escaped email": r"to canary\u0040example.com",
    "card": "4111 1111 1111 1111",
    "iban": "DE89 3704 0044 0532 0130 00",
    "phone": "+49 171 1234567",
    "openai_key": "sk-proj-canary0a1B2c3D4e5F6g7H8i9",
    "aws_key": "AKIAQWERTY2345CANARY",
    "credentials": "postgres://canary:hunter2@db",
    "secret": "password=canary2hunter2",
}
_LEFT = (
    *("canary@example.com", "canary%40example.com", r"canary\u0040example.com", "4111 1111 1111 1111", ":hunter2@"),
    *("DE89 3704 0044", "+49 171 1234567", "sk-proj-canary", "AKIAQWERTY2345CANARY", "canary2hunter2"),
)
"""None of which may be left."""


def prove(redact: Callable[[Generation], Generation], config: RedactConfig) -> None:
    """Redact records full of fake secrets. Raises ConfigError if one of them would leave."""
    for name, text in CANARIES.items():
        left = str(asdict(redact(_record(text, "" if config.policy == "full" else text)))).replace("\\\\", "\\")
        if any(part in left for part in _LEFT):
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

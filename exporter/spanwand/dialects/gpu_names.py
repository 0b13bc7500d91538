"""Parsers of what spans and resources call GPUs: numbers, UUIDs in every spelling, or no GPU at all."""

import re
from itertools import takewhile

from spanwand.dialects.parsers import scalar_text
from spanwand.span import AttributeValue

_NUMBER = r"(?:cuda:)?(\d{1,3}(?:[.:]\d{1,3})?|-1)"
_UUID = r"((?:GPU|MIG)-[\w./-]{1,80}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})(?:::\d+)?"
"""As NVML has it, or as torch, without its kind; behind `::` is a time slice's number."""
_DEVICE = re.compile(rf"{_NUMBER}|{_UUID}|(cpu|mps|none)", re.IGNORECASE)
_MOST_DEVICES = 64
_NO_GPU = ("none",)


def devices(value: AttributeValue) -> tuple[str, ...] | None:
    """GPUs by UUID or number, as `CUDA_VISIBLE_DEVICES` or torch has them: `0,1`, `cuda:1`, `GPU-…`, an array.

    What is no GPU (`cpu`, `-1`) is kept: then none was used. Anything else says nothing.
    """
    return tuple([name for name in _names(value) if name]) or None


def visible_devices(value: AttributeValue) -> tuple[str, ...]:
    """The same as CUDA reads its variable: up to what it does not know. Set and empty, it shows no GPU."""
    return tuple(takewhile(lambda name: name not in ("", "-1"), _names(value))) or _NO_GPU


def device_uuids(value: AttributeValue) -> tuple[str, ...] | None:
    """The same where numbers are the host's, which no container knows."""
    named = devices(value) or ()
    return tuple([name for name in named if not name.isdigit()]) or None


def _names(value: AttributeValue) -> list[str]:
    """Each as it is compared with others; empty for what is no name."""
    items = value if isinstance(value, (tuple, list)) else str(scalar_text(value) or "").split(",")
    found = [_DEVICE.fullmatch(str(item).strip()) for item in items[:_MOST_DEVICES]]
    return [match[match.lastindex or 0] if match else "" for match in found]

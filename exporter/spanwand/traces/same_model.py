"""Whether two calls asked one model: `gpt-4o` is `openai/gpt-4o-2024-08-06` in another span, but not `gpt-4o-mini`."""

import re

from spanwand.record import Clean

_VERSION = re.compile(r"[-@:](?:latest|\d{3,}|preview-\d\d|v\d+:\d+)(?:[-:.](?:\d\d?|preview|v\d+))*")
"""What providers add to the name that was asked for: a date, the number of a release."""


def is_same_model(one: Clean, other: Clean) -> bool:
    """A name may lack its version, or have the provider in front. One that is not known may be any."""
    names, others = _models(one), _models(other)
    return not names or not others or any(_alike(name, second) for name in names for second in others)


def _models(generation: Clean) -> set[str]:
    return {name.rpartition("/")[2] for name in (generation.request_model, generation.response_model) if name}


def _alike(name: str, second: str) -> bool:
    short, long = sorted((name, second), key=len)
    return long.startswith(short) and (short == long or _VERSION.fullmatch(long, len(short)) is not None)

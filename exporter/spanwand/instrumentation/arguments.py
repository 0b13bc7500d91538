"""The arguments of a call that is watched, by name. Whether they fit its method is not asked: the call will tell."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

Arguments = Mapping[str, Any]
signature_of = lru_cache(256)(inspect.signature)


def given(method: Callable[..., Any], args: tuple[Any, ...], kwargs: Arguments) -> Arguments:
    """Those of the call; `args` begin with whose method it is."""
    return {**dict(zip(_by_place(method), args, strict=False)), **kwargs}


@lru_cache(256)
def defaults(method: Callable[..., Any]) -> Arguments:
    """Those of the method."""
    found = signature_of(method).parameters.values()
    return {one.name: one.default for one in found if one.default is not one.empty}


@lru_cache(256)
def _by_place(method: Callable[..., Any]) -> Sequence[str]:
    found = signature_of(method).parameters.values()
    return [one.name for one in found if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]

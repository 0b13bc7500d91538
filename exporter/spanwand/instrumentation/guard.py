"""Nothing that only watches may break what it watches."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_log = logging.getLogger(__name__)
_failed: set[str] = set()


def guarded(hook: Callable[P, T]) -> Callable[P, T | None]:
    """The hook, made to return None where it would raise; the first time that is logged, with where and why."""

    @wraps(hook)
    def run(*args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return hook(*args, **kwargs)
        except Exception:  # noqa: BLE001  the libraries it looks into change, and the app's call goes on
            _log_once(f"{hook.__module__}.{hook.__qualname__}")
            return None

    return run


def _log_once(name: str) -> None:
    if name not in _failed:
        _failed.add(name)
        _log.warning("%s failed; its part of the span is missing, and this is not said again", name, exc_info=True)

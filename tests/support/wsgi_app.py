"""A WSGI service that knows nothing of Spanwand: every request makes one model call and answers with its process id."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from tests.support.span_app import calls


def app(_environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer."""
    calls(1)
    start_response("200 OK", [("content-type", "text/plain")])
    return [str(os.getpid()).encode()]

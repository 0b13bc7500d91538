"""HTTP clients for the cases in which a framework, not the provider's SDK, tries again."""

from typing import Any

import openai


class FirstFails:
    """Asks the stand-in to fail the first request it sees; the later ones go through as they are."""

    def __init__(self, status: int) -> None:
        self._status: int | None = status

    def __call__(self, request: Any) -> None:
        if self._status is not None:
            request.headers["x-fail"] = str(self._status)
            self._status = None

    async def asynchronously(self, request: Any) -> None:
        """The same hook for a client that awaits its hooks."""
        self(request)


def http_client(status: int) -> Any:
    """A client as the SDK makes its own, whose first request fails with this status."""
    return openai.DefaultHttpxClient(event_hooks={"request": [FirstFails(status)]})


def async_http_client(status: int) -> Any:
    """The same, for asynchronous callers."""
    return openai.DefaultAsyncHttpxClient(event_hooks={"request": [FirstFails(status).asynchronously]})

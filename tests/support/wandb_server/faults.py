"""Faults on request: which requests they meet, what they do, how often."""

import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

Kind = Literal["status", "hang", "drop_before", "drop_after", "slow", "drip", "cut", "graphql_error", "ignore"]
"""
`status`: answer with that status, not applied. `hang`: no answer until the fault is cleared, then the connection is
dropped, not applied. `drop_before` / `drop_after`: drop the connection before / after applying the request.
`slow`: wait, then serve. `drip`: serve, at a byte a second, until cleared; then drop the connection. `cut`: the same
after one byte. `graphql_error`: HTTP 200 with `errors`. `ignore`: a 200 that lies, not applied.
"""


@dataclass
class Fault:
    """One rule. `pattern` is a glob on "METHOD path operation"; the operation is empty outside GraphQL."""

    pattern: str
    kind: Kind
    status: int = 500
    retry_after_s: float | None = None
    retry_after_date: bool = False
    """`Retry-After` as a date instead of seconds."""
    delay_s: float = 0.0
    message: str = "fault injected"
    times: int | None = None
    """Requests to meet; None: until cleared."""
    body: str = ""
    """Only requests whose body has this in it."""
    skip: int = 0
    """Requests to let pass first."""
    hits: int = 0
    cleared: threading.Event = field(default_factory=threading.Event, repr=False)

    def meets(self, request: str, body: bytes) -> bool:
        """Whether this fault is still on and meant for `request`."""
        exhausted = self.times is not None and self.hits >= self.times
        is_meant = fnmatchcase(request, self.pattern) and self.body.encode() in body
        return is_meant and not exhausted and not self.cleared.is_set()


class Faults:
    """The rules in force, in the order they were added; the first that meets a request is used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force. Returns it: `hits` counts, and `cleared` ends it."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def take(self, request: str, body: bytes = b"") -> Fault | None:
        """The fault that meets `request` ("METHOD path operation"), counted as one hit."""
        with self._lock:
            for fault in self._faults:
                if fault.meets(request, body):
                    if not fault.skip:
                        fault.hits += 1
                        return fault
                    fault.skip -= 1
            return None

    def clear(self) -> None:
        """End all faults and let hanging requests go."""
        with self._lock:
            for fault in self._faults:
                fault.cleared.set()
            self._faults.clear()


MISBEHAVIOURS: dict[str, dict[str, Any]] = {
    "429, Retry-After in seconds": {"kind": "status", "status": 429, "retry_after_s": 2},
    "429, Retry-After as a date": {"kind": "status", "status": 429, "retry_after_s": 2, "retry_after_date": True},
    "500": {"kind": "status", "status": 500},
    "502": {"kind": "status", "status": 502},
    "503": {"kind": "status", "status": 503},
    "504": {"kind": "status", "status": 504},
    "reset": {"kind": "drop_before"},
    "answer lost": {"kind": "drop_after"},
    "half-open": {"kind": "hang"},
    "a byte a second": {"kind": "drip"},
}
"""R11: fields of a `Fault`, by what it does to every request."""

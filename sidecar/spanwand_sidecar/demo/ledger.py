"""What the stand-in wrote down about the requests it answered."""

from threading import Lock

import msgspec

from spanwand.record import NO_USAGE, Usage


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request and its answer. `usage` is what was sent to the client: a stream without it says nothing."""

    path: str
    model: str
    status: int = 200
    usage: Usage = NO_USAGE
    images: int = 0
    response_id: str = ""
    error_code: str = ""


class Ledger:
    """Answers in the order they were given. Written by the server's thread, read from any."""

    def __init__(self) -> None:
        self._answers: list[Answered] = []
        self._lock = Lock()

    def add(self, answer: Answered) -> None:
        """Note one answer."""
        with self._lock:
            self._answers.append(answer)

    def answers(self) -> list[Answered]:
        """A copy of all so far."""
        with self._lock:
            return list(self._answers)

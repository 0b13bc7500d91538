"""What the stand-in wrote down about the requests it answered."""

from collections.abc import Iterable
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


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over answers; unknown usage adds nothing."""

    requests: int
    errors: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    images: int


def total(answers: Iterable[Answered]) -> Totals:
    """Add up answers."""
    answers = list(answers)
    return Totals(
        requests=len(answers),
        errors=sum(answer.status >= 400 for answer in answers),
        input_tokens=sum(answer.usage.input_tokens or 0 for answer in answers),
        output_tokens=sum(answer.usage.output_tokens or 0 for answer in answers),
        cached_input_tokens=sum(answer.usage.cached_input_tokens or 0 for answer in answers),
        images=sum(answer.images for answer in answers),
    )


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

    def totals(self) -> Totals:
        """Sums over all so far."""
        return total(self.answers())

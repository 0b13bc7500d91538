"""The seams: what a plug-in has to look like. One method each, so a plain function can fill most of them."""

from collections.abc import Callable
from typing import Protocol

from spanwand.batch import Batch, Verdict
from spanwand.outcomes import Outcome
from spanwand.record import Clean, Generation
from spanwand.request import Request

Redactor = Callable[[Generation], Generation]
"""Takes out what must not leave. An exception makes `redact` drop all content: it fails closed."""

Sampler = Callable[[Clean | Request], Verdict | None]
"""Decides about the Table row of a generation or a request, or returns None to leave it to the next sampler."""


class Sink(Protocol):
    """Where batches go. Called from one thread at a time, with increasing `seq`.

    One that has more to tell than outcomes may have `notes: tuple[str, ...]`, lines for `spanwand status` that are read
    from any thread; one that gives up some of a batch has `drops: Drops`, what it gave up since the start.
    """

    def write(self, batch: Batch) -> Outcome:
        """Make the batch's effect durable, or say why not. May block; must not raise.

        After `Retry` the same batch comes again; parts of it that are already in must not be added twice.
        """
        ...

    def close(self, deadline_s: float) -> None:
        """Finish within `deadline_s` seconds. Nothing is written afterwards. Safe to call twice."""
        ...

"""The answers of the admin pages that probes and Prometheus ask for."""

from spanwand_sidecar.control import Answer
from spanwand_sidecar.status import Status


def metrics(status: Status) -> Answer:
    """`/metrics`: the text format of Prometheus."""
    from spanwand_sidecar.exposition import render  # its library would take a twentieth of a start

    return Answer(*render(status))


def ready(status: Status) -> Answer:
    """`/readyz`: 200, or 503 while senders are told to wait; one reason a line either way."""
    lines = ("ready" if status.ready else "not ready", *status.reasons)
    return Answer("".join(f"{line}\n" for line in lines).encode(), status=200 if status.ready else 503)


def live() -> Answer:
    """`/livez`: the process answers."""
    return Answer(b"alive\n")

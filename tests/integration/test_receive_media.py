"""Images that apps upload (A5, P6, K5): safe before they are durable, refused like everything else."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.support.doors import journal_in
from tests.support.pictures import digest, png

from spanwand.config import MediaConfig
from spanwand.sanitise import sanitiser
from spanwand.uploads import Upload
from spanwand_sidecar.journal import FrameKind, Journal
from spanwand_sidecar.receive import Counters, RefusalReason
from spanwand_sidecar.receive.http import serve
from spanwand_sidecar.receive.reception import Reception

ON = MediaConfig(images="thumbnails", max_bytes=100_000, max_pixels=10_000)
TRACE, SPAN = "0a" * 16, "0b" * 8
CALL = f"/v1/media/{TRACE}/{SPAN}"


@contextmanager
def door(journal: Journal, config: MediaConfig = ON) -> Iterator[tuple[httpx.Client, Counters]]:
    reception = Reception(journal, media=config)
    server = serve("127.0.0.1:0", reception)
    try:
        with httpx.Client(base_url=f"http://{server.addresses[0]}", trust_env=False) as client:
            yield client, reception.counters
    finally:
        server.stop(1.0)


def uploads(journal: Journal) -> list[Upload]:
    frames = list(journal.read(0))
    assert {frame.kind for frame in frames} <= {FrameKind.MEDIA}
    return [msgspec.msgpack.decode(frame.body, type=Upload) for frame in frames]


def test_what_is_acknowledged_is_in_the_journal_and_safe(tmp_path: Path) -> None:
    """P2, P6: pixels alone; not one byte of what was sent."""
    with journal_in(tmp_path) as journal, door(journal) as (client, counters):
        zipped = {"content-encoding": "gzip"}
        assert client.put(CALL, content=png(1)).json() == {"sha256": digest(1)}
        assert client.put(f"{CALL}/2", content=gzip.compress(png(2)), headers=zipped).json() == {"sha256": digest(2)}
        first, second = uploads(journal)
        assert (first.trace_id.hex(), first.span_id.hex()) == (TRACE, SPAN)
        assert first.media == sanitiser(ON)(png(1))
        assert (second.media.sha256, second.media.index) == (digest(2), 2)
        assert counters.accepted_images == 2
        assert counters.refused.total() == 0


REFUSED: dict[str, tuple[str, bytes, int, RefusalReason]] = {
    "no hex": (f"/v1/media/{'x' * 32}/{SPAN}", png(1), 400, RefusalReason.MALFORMED),
    "short id": (f"/v1/media/{TRACE}/0b", png(1), 400, RefusalReason.MALFORMED),
    "zero id": (f"/v1/media/{'00' * 16}/{SPAN}", png(1), 400, RefusalReason.MALFORMED),
    "index over the limit": (f"{CALL}/4", png(1), 400, RefusalReason.MALFORMED),
    "negative index": (f"{CALL}/-1", png(1), 400, RefusalReason.MALFORMED),
    "damaged": (CALL, png(1)[:700], 400, RefusalReason.MALFORMED),
    "no image": (CALL, b"<svg/>", 415, RefusalReason.UNSUPPORTED_TYPE),
    "empty": (CALL, b"", 415, RefusalReason.UNSUPPORTED_TYPE),
    "too many bytes": (CALL, bytes(100_001), 413, RefusalReason.TOO_LARGE),
    "too many pixels": (CALL, png(1_000), 413, RefusalReason.TOO_LARGE),
}


@pytest.mark.parametrize(("path", "body", "status", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_shown_is_refused_for_good(
    tmp_path: Path, path: str, body: bytes, status: int, reason: RefusalReason
) -> None:
    """R28, K2: with a reason and a count; nothing of it is stored."""
    with journal_in(tmp_path) as journal, door(journal) as (client, counters):
        response = client.put(path, content=body)
        assert response.status_code == status
        answer: dict[str, Any] = response.json()
        assert answer["message"]
        assert counters.refused == {reason: 1}
        assert uploads(journal) == []


def test_a_body_that_never_ends_is_cut_off(tmp_path: Path) -> None:
    """R29: no Content-Length, more bytes than allowed."""
    with journal_in(tmp_path) as journal, door(journal) as (client, counters):
        response = client.put(CALL, content=iter([bytes(50_000)] * 1_000))
        assert response.status_code == 413
        assert counters.refused == {RefusalReason.TOO_LARGE: 1}


def test_images_are_off_by_default(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal, door(journal, MediaConfig()) as (client, _):
        assert client.put(CALL, content=png(1)).status_code == 404


def test_web_pages_are_kept_out(tmp_path: Path) -> None:
    """R42: by their Host, as on every path; and a PUT needs a preflight, which nobody answers."""
    with journal_in(tmp_path) as journal, door(journal) as (client, _):
        assert client.put(CALL, content=png(1), headers={"host": "evil.example"}).status_code == 403
        assert client.options(CALL, headers={"origin": "https://evil.example"}).status_code == 405
        assert client.post(CALL, content=png(1)).status_code == 405
        assert uploads(journal) == []

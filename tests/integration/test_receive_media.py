"""Images that apps upload (A5, P6, K5): safe before they are durable, refused like everything else."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import httpx
import msgspec
import pytest
from tests.support.doors import journal_in
from tests.support.pictures import digest, png

from spanwand.config import MediaConfig
from spanwand.media import Media
from spanwand.sanitise import sanitiser
from spanwand.uploads import Upload
from spanwand.v1.media_pb2 import Place, UploadRequest, UploadResponse
from spanwand_sidecar.journal import FrameKind, Journal
from spanwand_sidecar.receive import Counters, ReceiveConfig, RefusalReason
from spanwand_sidecar.receive.grpc import serve as serve_grpc
from spanwand_sidecar.receive.grpc_media import METHOD
from spanwand_sidecar.receive.http import serve
from spanwand_sidecar.receive.reception import Reception

ON = MediaConfig(images="thumbnails", max_bytes=100_000, max_pixels=10_000)
Send: TypeAlias = "grpc.StreamUnaryMultiCallable[UploadRequest, UploadResponse]"
TRACE, SPAN = "0a" * 16, "0b" * 8
CALL = f"/v1/media/{TRACE}/{SPAN}"


@contextmanager
def grpc_door(journal: Journal, **limits: Any) -> Iterator[tuple[Send, Counters]]:
    """What uploads messages, and the door's counts."""
    reception = Reception(journal, ReceiveConfig(**limits), media=ON)
    server = serve_grpc(["127.0.0.1:0"], reception)
    try:
        with grpc.insecure_channel(server.addresses[0]) as channel:
            yield (
                channel.stream_unary(METHOD, UploadRequest.SerializeToString, UploadResponse.FromString),
                (reception.counters),
            )
    finally:
        server.stop(1.0)


@contextmanager
def door(journal: Journal, config: MediaConfig = ON) -> Iterator[tuple[httpx.Client, Counters]]:
    reception = Reception(journal, media=config)
    server = serve("127.0.0.1:0", reception)
    try:
        with httpx.Client(base_url=f"http://{server.addresses[0]}", trust_env=False) as client:
            yield client, reception.counters
    finally:
        server.stop(1.0)


def uploads(journal: Journal) -> list[tuple[Upload, Media]]:
    """What was uploaded, and the image in it."""
    frames = list(journal.read(0))
    assert {frame.kind for frame in frames} <= {FrameKind.MEDIA}
    found = [msgspec.msgpack.decode(frame.body, type=Upload) for frame in frames]
    return [(upload, upload.media) for upload in found if upload.media]


def test_what_is_acknowledged_is_in_the_journal_and_safe(tmp_path: Path) -> None:
    """P2, P6: pixels alone; not one byte of what was sent."""
    with journal_in(tmp_path) as journal, door(journal) as (client, counters):
        zipped = {"content-encoding": "gzip"}
        assert client.put(CALL, content=png(1)).json() == {"sha256": digest(1)}
        assert client.put(f"{CALL}/2", content=gzip.compress(png(2)), headers=zipped).json() == {"sha256": digest(2)}
        (first, media), (_, second) = uploads(journal)
        assert (first.trace_id.hex(), first.span_id.hex()) == (TRACE, SPAN)
        assert media == sanitiser(ON)(png(1))
        assert (second.sha256, second.index) == (digest(2), 2)
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


PLACE = UploadRequest(place=Place(trace_id=bytes.fromhex(TRACE), span_id=bytes.fromhex(SPAN), index=1))


def pieces(data: bytes, size: int = 500) -> list[UploadRequest]:
    return [UploadRequest(data=data[at : at + size]) for at in range(0, len(data), size)]


def test_an_image_in_pieces_over_grpc(tmp_path: Path) -> None:
    """P2: acknowledged means durable."""
    with journal_in(tmp_path) as journal, grpc_door(journal) as (send, counters):
        assert send(iter([PLACE, *pieces(png(3))]), timeout=10).sha256 == digest(3)
        ((stored, media),) = uploads(journal)
        assert (stored.trace_id.hex(), stored.span_id.hex(), media.index) == (TRACE, SPAN, 1)
        assert media.jpeg == sanitiser(ON)(png(3)).jpeg
        assert counters.accepted_images == 1


REFUSED_STREAMS: dict[str, tuple[list[UploadRequest], RefusalReason, grpc.StatusCode]] = {
    "nothing": ([], RefusalReason.MALFORMED, grpc.StatusCode.INVALID_ARGUMENT),
    "no place": (pieces(png(1)), RefusalReason.MALFORMED, grpc.StatusCode.INVALID_ARGUMENT),
    "no ids": ([UploadRequest(place=Place())], RefusalReason.MALFORMED, grpc.StatusCode.INVALID_ARGUMENT),
    "no data": ([PLACE], RefusalReason.UNSUPPORTED_TYPE, grpc.StatusCode.INVALID_ARGUMENT),
    "too many bytes": (
        [PLACE, *pieces(bytes(5_000_000), 50_000)],
        RefusalReason.TOO_LARGE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    ),
}


@pytest.mark.parametrize(("sent", "reason", "code"), REFUSED_STREAMS.values(), ids=REFUSED_STREAMS)
def test_a_stream_that_is_no_image_is_refused(
    tmp_path: Path, sent: list[UploadRequest], reason: RefusalReason, code: grpc.StatusCode
) -> None:
    with journal_in(tmp_path) as journal, grpc_door(journal) as (send, counters):
        with pytest.raises(grpc.RpcError) as refused:
            send(iter(sent), timeout=10)
        assert refused.value.code() is code
        assert counters.refused == {reason: 1}
        assert uploads(journal) == []


def test_a_stream_that_never_ends_is_ended(tmp_path: Path) -> None:
    """R30: empty pieces cost no memory, but they would keep a place for ever."""
    with journal_in(tmp_path) as journal, grpc_door(journal, request_timeout_s=0.5) as (send, counters):
        with pytest.raises(grpc.RpcError) as refused:
            send(chain([PLACE], repeat(UploadRequest(data=b""))), timeout=30)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert counters.refused == {RefusalReason.OVERLOADED: 1}

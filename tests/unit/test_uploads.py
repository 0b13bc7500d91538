"""A5, P6: images that come by themselves find their call, in either order; what does not is counted."""

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.pictures import digest, media
from tests.unit.test_pipeline import Journal, otlp

from spanwand.config import MediaConfig
from spanwand.drops import DropReason
from spanwand.media import Media, joined
from spanwand.tables import columns
from spanwand.uploads import Upload, pack

if TYPE_CHECKING:
    from spanwand.batch import Batch

ON = MediaConfig(images="thumbnails", max_per_call=3)
SPAN = (7).to_bytes(8, "big")
TRACE = (1).to_bytes(16, "big")


def image(number: int, index: int = 0) -> Media:
    return replace(media(number), index=index)


class Uploading(Journal):
    """A journal with image frames."""

    def __init__(self, config: MediaConfig = ON, **more: Any) -> None:
        super().__init__(media=config, **more)
        self.batches: list[Batch | None] = []

    def upload(self, at_s: float, number: int, index: int = 0, span: bytes = SPAN) -> None:
        body = pack(Upload(TRACE, span, image(number, index)))
        self.batches.append(self.line.media(*self._frame(at_s), body))

    def call(self, at_s: float, span: bytes = SPAN, flagged: int = 0) -> None:
        request = ExportTraceServiceRequest.FromString(otlp("chat", "root"))
        sent = request.resource_spans[0].scope_spans[0].spans[0]
        sent.span_id = span
        if flagged:
            sent.attributes.add(key="diffusion.safety_flagged_count").value.int_value = flagged
        self.batches.append(self.traces(at_s, request.SerializeToString()))

    def rows(self, until_s: float) -> list[dict[str, Any]]:
        """Rows of `generations` with the batches so far and those of ticks until then."""
        self.batches += [self.tick(at_s) for at_s in (until_s, until_s + 60)]
        names = [column.name for column in columns("generations", (), ON.max_per_call)]
        updates = [update for batch in self.batches if batch for update in batch.updates]
        rows = [row for update in updates for row in update.rows.get("generations", ())]
        return [dict(zip(names, row, strict=True)) for row in rows]

    def dropped(self) -> dict[str, int]:
        points = [update.points for batch in self.batches if batch for update in batch.updates]
        prefix = "spanwand/dropped/"
        return {key.removeprefix(prefix): int(some[key]) for some in points for key in some if key.startswith(prefix)}


@pytest.mark.parametrize("order", ["before", "after"])
def test_an_upload_and_its_span_in_either_order(order: str) -> None:
    line = Uploading()
    if order == "before":
        line.upload(1, 4)
    line.call(2)
    if order == "after":
        line.upload(3, 4)
    (row,) = line.rows(60)
    assert (row["image"], row["image_sha256"]) == (image(4), digest(4))
    assert line.dropped() == {}


def test_the_index_is_the_place_and_the_last_one_holds() -> None:
    line = Uploading()
    for number, index in ((5, 1), (6, 0), (7, 1), (7, 1)):
        line.upload(1, number, index)
    line.call(2)
    (row,) = line.rows(60)
    assert row["image_sha256"] == f"{digest(6)},{digest(7)}"
    assert (row["image_2"], row["image_3"]) == (image(7, 1), None)


@pytest.mark.parametrize("order", ["before", "after"])
def test_an_upload_for_a_call_that_was_flagged_is_withheld(order: str) -> None:
    """P6: from the attribute on the wire to the row, whichever comes first, and though it is a chat."""
    line = Uploading()
    if order == "before":
        line.upload(1, 4)
    line.call(2, flagged=1)
    if order == "after":
        line.upload(3, 4)
    (row,) = line.rows(60)
    assert row["image"] is row["image_sha256"] is None
    assert line.dropped() == {DropReason.MEDIA_WITHHELD: 1}


def test_an_image_without_its_call_is_late() -> None:
    """K2: whether the call has left, or never comes."""
    line = Uploading()
    line.call(1)
    line.upload(50, 1)
    line.upload(50, 2, 1)
    line.upload(51, 3, span=b"\x09" * 8)
    line.rows(300)
    assert line.dropped() == {DropReason.MEDIA_LATE: 3}


def test_images_in_the_journal_of_before_they_were_turned_off() -> None:
    line = Uploading(MediaConfig())
    line.upload(1, 1)
    line.batches.append(line.tick(20))
    assert line.dropped() == {DropReason.MEDIA_WITHHELD: 1}


def test_a_body_that_cannot_be_read() -> None:
    line = Uploading()
    line.batches.append(line.line.media(0, 10, 10**9, b"no MessagePack"))
    line.position = 10
    line.batches.append(line.tick(20))
    assert line.dropped() == {DropReason.UNDECODABLE: 1}


def test_why_a_file_that_a_call_names_is_not_shown() -> None:
    """K2: it is counted in a window, as all that is not shown."""
    line = Uploading()
    body = pack(Upload(TRACE, SPAN, refused=DropReason.MEDIA_NOT_ALLOWED, index=99))
    line.batches.append(line.line.media(*line._frame(1), body))
    line.call(2)
    (row,) = line.rows(60)
    assert row["image"] is None
    assert line.dropped() == {DropReason.MEDIA_NOT_ALLOWED: 1}


def test_what_a_call_shows_itself_comes_first_and_the_same_image_once() -> None:
    assert joined((image(1),), (image(2), image(1, 1))) == (image(1), image(2))

"""A5, P4, C3: pictures from the app that made them into the real media channel, and none of its troubles back."""

from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span
from PIL import Image
from tests.integration.test_receive_media import door, uploads
from tests.support.doors import journal_in

from spanwand.config import MediaConfig
from spanwand.instrumentation.images import MOST_PER_CALL, ImageSender

LONG_S = 60.0


def span() -> Span:
    return TracerProvider().get_tracer("app").start_span("image_generation")


def test_pictures_reach_the_journal_as_they_were_made(tmp_path: Path) -> None:
    made, picture = span(), Image.new("RGB", (40, 20), (0, 200, 0))
    with journal_in(tmp_path) as journal, door(journal) as (client, counters):
        sender = ImageSender(str(client.base_url))
        for index in range(MOST_PER_CALL + 1):
            sender(made, index, picture)
        picture.paste((0, 0, 0), (0, 0, 40, 20))  # the app goes on with it
        sender.flush(LONG_S)
        stored = uploads(journal)
        assert counters.refused.total() == 0
    context = made.get_span_context()
    assert {upload.trace_id for upload, _ in stored} == {context.trace_id.to_bytes(16, "big")}
    assert {upload.span_id for upload, _ in stored} == {context.span_id.to_bytes(8, "big")}
    assert [media.index for _, media in stored] == list(range(MOST_PER_CALL))
    assert len({media.sha256 for _, media in stored}) == 1


@pytest.mark.parametrize("is_there", [True, False])
def test_troubles_are_logged_and_go_no_further(
    tmp_path: Path, is_there: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """C3: images are off there, or nobody is."""
    with journal_in(tmp_path) as journal, door(journal, MediaConfig()) as (client, _):
        sender = ImageSender(str(client.base_url) if is_there else "http://127.0.0.1:1")
        for _ in range(3):
            sender(span(), 0, Image.new("RGB", (4, 4)))
        sender.flush(LONG_S)
    messages = [record.message for record in caplog.records if record.name == "spanwand.instrumentation.images"]
    assert [message.split()[0] for message in messages] == ["1", "2"]
    assert all(("404" in message) is is_there for message in messages)

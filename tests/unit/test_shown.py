"""A5, P6: which images reach Table rows, and how the JSON lines show them."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.test_sinks import jsonl_lines
from tests.support.pictures import IMAGES, batch, digest, media
from tests.support.records import KEPT, call

from spanwand import shown
from spanwand.config import LineConfig, MediaConfig
from spanwand.drops import DropReason, Drops
from spanwand.outcomes import Delivered, Retry
from spanwand.record import Clean, ImageParams
from spanwand.rows import generation_row
from spanwand.sanitise import sanitiser
from spanwand.shown import Shown
from spanwand.sinks.jsonl import JsonlSink, open_sink
from spanwand.tables import Type, columns

FLAGGED: dict[str, dict[str, Any]] = {
    "safety checker": {"image": ImageParams(images=2, safety_flagged=1)},
    "provider's filter": {"finish_reasons": ("stop", "content_filter")},
}


def row(made: Clean) -> dict[str, object]:
    names = [column.name for column in columns("generations", (), IMAGES)]
    return dict(zip(names, generation_row(made, KEPT, (), IMAGES), strict=True))


def test_columns_are_there_only_for_images() -> None:
    assert not [column for column in columns("generations") if column.type is Type.IMAGE]
    names = [column.name for column in columns("generations", (), 3)]
    assert names[-5:] == ["image", "image_2", "image_3", "image_sha256", "recordings"]


@pytest.mark.parametrize("fields", FLAGGED.values(), ids=FLAGGED)
def test_what_was_flagged_is_withheld(fields: dict[str, Any]) -> None:
    """The digest too: it would tell a known picture."""
    drops = Drops()
    made = call(media=(media(1), media(2)), **fields)
    cells = row(Shown(MediaConfig(images="thumbnails"), drops)(made))
    assert (cells["image"], cells["image_2"], cells["image_sha256"]) == (None, None, None)
    assert drops == Counter({DropReason.MEDIA_WITHHELD: 2})
    assert Shown(MediaConfig(images="thumbnails", withhold_flagged=False), drops)(made) == made


def test_more_than_a_row_shows_are_counted() -> None:
    drops = Drops()
    made = call(media=tuple(media(number) for number in range(5)))
    cells = row(Shown(MediaConfig(images="thumbnails", max_per_call=IMAGES), drops)(made))
    assert (cells["image"], cells["image_2"]) == (media(0), media(1))
    assert cells["image_sha256"] == f"{digest(0)},{digest(1)}"
    assert drops == Counter({DropReason.MEDIA_OVER_LIMIT: 3})


def test_waiting_rows_hold_images_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """R22: a call without its images is still a row."""
    monkeypatch.setattr(shown, "_MAX_WAITING_BYTES", len(media(1).jpeg))
    drops = Drops()
    show = Shown(MediaConfig(images="thumbnails"), drops)
    made = call(media=(media(1),))
    assert [len(show(made).media) for _ in range(3)] == [1, 0, 0]
    assert drops == Counter({DropReason.MEDIA_OVER_LIMIT: 2})
    show.rows_handed_over()
    assert len(show(made).media) == 1


def test_a_sound_is_told_of_beside_the_images() -> None:
    sound = sanitiser(MediaConfig(images="thumbnails"))(b"ID3" + bytes(100))
    cells = row(Shown(MediaConfig(images="thumbnails"), Drops())(call(media=(sound, media(1)))))
    assert (cells["image"], cells["image_2"], cells["image_sha256"]) == (media(1), None, digest(1))
    told = [{"type": "audio/mpeg", "duration_s": None, "size_bytes": 103, "sha256": sound.sha256}]
    assert json.loads(str(cells["recordings"])) == told


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[JsonlSink]:
    sink = open_sink(LineConfig(media=MediaConfig(images="thumbnails", max_per_call=IMAGES)), tmp_path)
    yield sink
    sink.close(1)


def test_json_lines_name_image_files(sink: JsonlSink, tmp_path: Path) -> None:
    assert sink.write(batch(1)) == sink.write(batch(2)) == Delivered()
    lines = jsonl_lines(tmp_path)
    first: Any = lines[0]["rows"]
    both, one, none = first["generations"]
    assert (both["image"], both["image_2"]) == (f"media/{digest(2)}.jpg", f"media/{digest(3)}.jpg")
    assert both["image_sha256"] == f"{digest(2)},{digest(3)}"
    assert (one["image"], one["image_2"], none["image"]) == (both["image"], None, None)
    files = {path.name: path for path in (tmp_path / "media").iterdir()}
    assert {name: path.read_bytes() for name, path in files.items()} == {
        f"{digest(number)}.jpg": media(number).jpeg for number in (2, 3, 4, 5)
    }
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}


def test_rows_wait_for_their_images(sink: JsonlSink, tmp_path: Path) -> None:
    """R5: no line names a file that is not there."""
    (tmp_path / "media").write_text("in the way")
    assert isinstance(sink.write(batch(1)), Retry)
    assert jsonl_lines(tmp_path) == []
    (tmp_path / "media").unlink()
    assert sink.write(batch(1)) == Delivered()

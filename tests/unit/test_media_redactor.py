"""P6: no text shows the bytes of pictures and sounds; images go on by themselves, if that is wanted."""

import base64
import json
from collections import Counter
from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from spanwand.config import MediaConfig, RedactConfig
from spanwand.content import Content
from spanwand.drops import DropReason, Drops
from spanwand.operations import Operation
from spanwand.record import Generation, ImageParams, Service
from spanwand.redact import Redact, opened
from spanwand.redactors.media import media

OFF = MediaConfig()
ON = MediaConfig(images="thumbnails", max_per_call=3, max_pixels=100_000)


def picture(width: int = 64, format_: str = "PNG") -> bytes:
    """No two sizes have the same bytes, and none can be packed into few."""
    file = BytesIO()
    Image.effect_noise((width, 48), 90).save(file, format_)
    return file.getvalue()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def redacted(
    output: str, config: MediaConfig = ON, policy: Any = "redacted", flagged: int | None = None, **more: str
) -> tuple[Generation, Drops]:
    drops = Drops()
    generation = Generation(
        trace_id=bytes(16),
        span_id=bytes(8),
        start_ns=1,
        end_ns=2,
        service=Service(),
        dialect="gen_ai",
        operation=Operation.CHAT,
        content=Content(output=output, **more),
        image=ImageParams(safety_flagged=flagged),
        attributes={},
        sources={},
    )
    redact = Redact(RedactConfig(policy=policy), b"key", drops, media=media(config, drops))
    return opened(redact(generation)), drops


PNG = picture()
CARRIERS = {
    "blob part": [{"role": "user", "parts": [{"type": "blob", "mime_type": "image/png", "content": b64(PNG)}]}],
    "data URI": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{b64(PNG)}"}}],
    "b64_json": {"data": [{"b64_json": b64(PNG)}]},
    "Responses API": {"type": "image_generation_call", "result": b64(PNG)},
    "Anthropic": {"source": {"type": "base64", "media_type": "image/png", "data": b64(PNG)}},
    "Gemini, URL-safe": {"inline_data": {"data": base64.urlsafe_b64encode(PNG).decode()}},
    "wrapped lines": {"b64_json": base64.encodebytes(PNG).decode()},
    "JSON in JSON": {"output": json.dumps({"b64_json": base64.encodebytes(PNG).decode()})},
}


@pytest.mark.parametrize("said", CARRIERS.values(), ids=CARRIERS)
def test_an_image_inside_what_was_said(said: object) -> None:
    clean, drops = redacted(json.dumps(said))
    (found,) = clean.media
    assert (found.sha256, found.width, found.height, found.mime_type) == (sha256(PNG).hexdigest(), 64, 48, "image/png")
    assert f"[image/png 64x48 sha256:{found.sha256[:16]}]" in clean.content.output
    assert len(clean.content.output) < 250
    assert json.loads(clean.content.output)
    assert not drops


@pytest.mark.parametrize("said", CARRIERS.values(), ids=CARRIERS)
def test_off_by_default(said: object) -> None:
    clean, drops = redacted(json.dumps(said), OFF)
    assert clean.media == ()
    assert "characters of base64]" in clean.content.output
    assert len(clean.content.output) < 250
    assert not drops


def test_a_sound_is_told_of_and_its_bytes_are_gone() -> None:
    """As OpenAI's `input_audio` has it: nothing around it says base64."""
    said = json.dumps({"type": "input_audio", "input_audio": {"data": b64(b"ID3" + bytes(2_000)), "format": "mp3"}})
    clean, drops = redacted(said)
    (found,) = clean.media
    assert (found.mime_type, found.size_bytes, found.is_image) == ("audio/mpeg", 2_003, False)
    assert f"[audio/mpeg 2003 bytes sha256:{found.sha256[:16]}]" in clean.content.output
    assert len(clean.content.output) < 200
    assert not drops


@pytest.mark.parametrize("withhold", [True, False])
def test_a_note_does_not_tell_the_digest_of_what_is_withheld(withhold: bool) -> None:
    """Nor does anything else of a call that a safety checker flagged (issue 5 item 5)."""
    config = MediaConfig(images="thumbnails", withhold_flagged=withhold)
    clean, _ = redacted(json.dumps({"b64_json": b64(PNG)}), config, flagged=1)
    assert (sha256(PNG).hexdigest()[:8] in clean.content.output) != withhold
    assert b64(PNG)[:40] not in clean.content.output


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "WEBP"])
@pytest.mark.parametrize("config", [OFF, ON])
def test_images_too_small_to_be_looked_for_are_no_text_either(format_: str, config: MediaConfig) -> None:
    """Their metadata may hold a prompt or a place."""
    file = BytesIO()
    Image.new("RGB", (2, 2)).save(file, format_, comment=b"a prompt", exif=Image.Exif())
    for encoded in (b64(file.getvalue()), base64.urlsafe_b64encode(file.getvalue()).decode()):
        for said in (f"see {encoded}", json.dumps({"data": f"data:image/x;base64,{encoded}"})):
            clean, _ = redacted(said, config)
            assert encoded[6:30] not in clean.content.output


def test_slashes_may_be_escaped() -> None:
    """As PHP writes JSON."""
    jpeg = picture(200, "JPEG")
    escaped = json.dumps({"url": f"data:image/jpeg;base64,{b64(jpeg)}"}).replace("/", "\\/")
    clean, _ = redacted(escaped)
    assert [found.sha256 for found in clean.media] == [sha256(jpeg).hexdigest()]
    assert len(clean.content.output) < 100


def test_images_without_text() -> None:
    """Each is a choice of its own."""
    clean, _ = redacted(json.dumps(CARRIERS["b64_json"]), policy="counts-only")
    assert clean.content == Content()
    assert len(clean.media) == 1


def test_what_was_made_comes_before_what_was_sent_along_and_each_once() -> None:
    sent, made = picture(10), picture(20)
    said = json.dumps([f"data:image/png;base64,{b64(sent)}"] * 2)
    clean, drops = redacted(f"data:image/png;base64,{b64(made)}", input=said)
    assert [(found.width, found.index) for found in clean.media] == [(20, 0), (10, 1)]
    assert not drops


REFUSED = {
    DropReason.MEDIA_UNSUPPORTED: b"%PDF-1.7" + bytes(range(256)) * 4,
    DropReason.MEDIA_UNREADABLE: PNG[: len(PNG) // 2],
    DropReason.MEDIA_TOO_LARGE: picture(5_000),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_refused_is_counted_and_still_no_text(reason: DropReason) -> None:
    clean, drops = redacted(json.dumps({"type": "blob", "content": b64(REFUSED[reason])}))
    assert clean.media == ()
    assert "characters of base64]" in clean.content.output
    assert drops == Counter({reason: 1})


def test_no_more_are_decoded_than_are_shown() -> None:
    clean, drops = redacted(json.dumps({"b64_json": [b64(picture(width)) for width in range(10, 16)]}))
    assert [found.width for found in clean.media] == [10, 11, 12]
    assert drops == Counter({DropReason.MEDIA_OVER_LIMIT: 3})


def test_text_that_is_no_media_stays() -> None:
    said = "base64 data: " + " ".join(f"/path/{number}/of-a_file+more" for number in range(100))
    clean, drops = redacted(said, input="a" * 600)
    assert (clean.content.output, clean.content.input) == (said, "a" * 600)
    assert not drops

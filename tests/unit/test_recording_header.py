"""A5, P6: sounds and videos are told of by what their container says, and no byte of them goes on."""

import struct
import wave
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanwand.config import MediaConfig
from spanwand.drops import DropReason
from spanwand.media import MediaRefused
from spanwand.recording_header import RecordingHeader, recording_header
from spanwand.sanitise import sanitiser

SANITISE = sanitiser(MediaConfig(images="originals", max_bytes=1 << 20))
PROMPT = b"a prompt that names Ada Lovelace"


def wav(seconds: int) -> bytes:
    file = BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        sound.writeframes(bytes(16_000 * seconds))
    data = file.getvalue()
    comment = b"LIST" + struct.pack("<I", 4 + 8 + len(PROMPT)) + b"INFOICMT" + struct.pack("<I", len(PROMPT)) + PROMPT
    return data[:12] + comment + data[12:]


def flac(seconds: int) -> bytes:
    packed = (44_100 << 44) | (1 << 41) | (15 << 36) | 44_100 * seconds
    return b"fLaC\x80\x00\x00\x22" + bytes(10) + packed.to_bytes(8, "big") + bytes(16)


def page(samples: int, body: bytes) -> bytes:
    return b"OggS\0\0" + struct.pack("<q", samples) + bytes(12) + b"\1" + bytes([len(body)]) + body


def vorbis(seconds: int) -> bytes:
    return page(0, b"\x01vorbis" + struct.pack("<IBI", 0, 2, 22_050) + bytes(14)) + page(22_050 * seconds, PROMPT)


def opus(seconds: int) -> bytes:
    return page(0, b"OpusHead" + bytes(11)) + page(48_000 * seconds, PROMPT)


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), name) + body


def mp4(seconds: int, brand: bytes = b"isom", version: int = 0) -> bytes:
    times = struct.pack(">QQIQ" if version else ">IIII", 0, 0, 600, 600 * seconds)
    movie = box(b"mvhd", bytes([version, 0, 0, 0]) + times + bytes(80))
    wide = struct.pack(">I4sQ", 1, b"mdat", 16 + len(PROMPT)) + PROMPT
    return box(b"ftyp", brand + bytes(4) + b"isomavc1") + wide + box(b"moov", movie + box(b"udta", PROMPT))


RECORDINGS = {
    "wav": (wav(3), RecordingHeader("audio/wav", 3)),
    "flac": (flac(4), RecordingHeader("audio/flac", 4)),
    "mp3": (b"ID3\x04" + PROMPT, RecordingHeader("audio/mpeg")),
    "mp3 without tags": (b"\xff\xfb\x90\x64" + bytes(400), RecordingHeader("audio/mpeg")),
    "vorbis": (vorbis(5), RecordingHeader("audio/ogg", 5)),
    "opus": (opus(6), RecordingHeader("audio/ogg", 6)),
    "theora": (page(0, b"\x80theora" + bytes(35)), RecordingHeader("video/ogg")),
    "mp4": (mp4(7), RecordingHeader("video/mp4", 7)),
    "mp4 of long times": (mp4(8, version=1), RecordingHeader("video/mp4", 8)),
    "m4a": (mp4(9, b"M4A "), RecordingHeader("audio/mp4", 9)),
    "webm": (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm" + PROMPT, RecordingHeader("video/webm")),
}


@pytest.mark.parametrize(("data", "header"), RECORDINGS.values(), ids=RECORDINGS)
def test_a_recording_is_told_of_and_withheld(data: bytes, header: RecordingHeader) -> None:
    """Also with originals: what its container and its samples hold is not known without decoding them."""
    assert recording_header(data) == header
    media = SANITISE(data)
    assert (media.mime_type, media.duration_s, media.size_bytes) == (header.mime_type, header.duration_s, len(data))
    assert (media.jpeg, media.is_image) == (b"", False)


NONE = {
    "avif": mp4(1, b"avif"),
    "matroska": b"\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska",
    "avi": b"RIFF" + struct.pack("<I", 100) + b"AVI LIST" + bytes(90),
    "wav without samples": wav(1)[:60],
    "ogg cut short": b"OggS\0\2",
    "aiff": b"FORM" + bytes(4) + b"AIFF" + bytes(30),
}


@pytest.mark.parametrize("data", NONE.values(), ids=NONE)
def test_others_are_not_taken(data: bytes) -> None:
    with pytest.raises(MediaRefused) as refused:
        SANITISE(data)
    assert refused.value.reason is DropReason.MEDIA_UNSUPPORTED


def test_too_many_bytes() -> None:
    with pytest.raises(MediaRefused) as refused:
        SANITISE(wav(70))
    assert refused.value.reason is DropReason.MEDIA_TOO_LARGE


@settings(deadline=None)
@given(st.sampled_from([data[:400] for data, _ in RECORDINGS.values()]), st.data())
def test_damage_never_fails(whole: bytes, data: st.DataObject) -> None:
    """K5: whatever a container claims."""
    damaged = bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)):
        damaged[at] = data.draw(st.integers(0, 255))
    with suppress(MediaRefused):
        media = SANITISE(bytes(damaged))
        assert media.duration_s is None or media.duration_s >= 0

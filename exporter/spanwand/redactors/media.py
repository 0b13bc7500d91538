"""Pictures and sounds inside what was said: text never shows their bytes; images go on as `Media`, if that is wanted.

They travel as base64, whatever is around it: `blob` parts, data URIs, `b64_json`, `image_url`, `inline_data`.
"""

import re
from binascii import Error, a2b_base64
from collections.abc import Callable
from operator import attrgetter

from msgspec.structs import replace

from spanwand.config import MediaConfig
from spanwand.content import NO_CONTENT
from spanwand.drops import DropReason, Drops
from spanwand.media import Media, MediaRefused
from spanwand.ports import Redactor
from spanwand.record import Generation
from spanwand.references import TEXTS, Named, References
from spanwand.sanitise import Sanitise, sanitiser
from spanwand.shown import is_flagged

_SHORTEST = 512
"""Characters of base64 below which nothing is taken for media."""
_IMAGES = ("iVBORw0KGgo", "/9j/", "UklGR", "R0lGOD")
_RECORDINGS = ("UklGR", "ZkxhQ", "SUQz", "//uQ", "T2dnUw", "GZ0eX", "GkXfo")
_SIGNS = ("base64", "b64", "blob", "data:", "input_audio", *_IMAGES, *_RECORDINGS)
"""A text without these has no media in it. Most are how they begin, in base64."""
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/_-]++|\\++[/nr])++={0,2}")
"""Inside JSON a slash may be escaped, and a line end is; JSON in JSON escapes twice."""
_ESCAPES = re.compile(r"\\+([/nr])")
_texts_of = attrgetter(*TEXTS)


def media(config: MediaConfig, drops: Drops, named: Named | None = None) -> Redactor:
    """Make the redactor. `named` is told of files that calls name, if such are allowed.

    Raises ConfigError if images are wanted and Pillow is not installed.
    """
    if config.images == "off":
        return without_media
    sanitise = sanitiser(config)
    roots = config.allowed_roots
    follow = References(roots, config.max_per_call, drops, named) if named and roots else None

    def redact(generation: Generation) -> Generation:
        if generation.content is NO_CONTENT:
            return generation
        if follow:
            follow(generation)
        is_withheld = config.withhold_flagged and is_flagged(generation)
        return _Taking(sanitise, config.max_per_call, drops, is_withheld).take(generation)

    return redact


def without_media(generation: Generation) -> Generation:
    """The generation with a note in each place where media were."""
    return generation if generation.content is NO_CONTENT else _noted(generation, _length)


class _Taking:
    """The images of one call."""

    def __init__(self, sanitise: Sanitise, most: int, drops: Drops, is_withheld: bool) -> None:  # noqa: FBT001  private
        self._sanitise = sanitise
        self._most = most
        self._drops = drops
        self._is_withheld = is_withheld  # then no note tells their digests either
        self._found: dict[str, Media] = {}

    def take(self, generation: Generation) -> Generation:
        noted = _noted(generation, self._note)
        return replace(noted, media=tuple(self._found.values())) if self._found else noted

    def _note(self, encoded: str) -> str:
        if len(self._found) >= self._most:
            self._drops[DropReason.MEDIA_OVER_LIMIT] += 1
            return _length(encoded)
        try:
            found = self._sanitise(_decoded(encoded))
        except MediaRefused as refused:
            self._drops[refused.reason] += 1
            return _length(encoded)
        self._found.setdefault(found.sha256, replace(found, index=len(self._found)))
        return _length(encoded) if self._is_withheld else found.note


def _noted(generation: Generation, note: Callable[[str], str]) -> Generation:
    changed: dict[str, str] = {}
    for name, text in zip(TEXTS, _texts_of(generation.content), strict=True):
        if len(text) >= _SHORTEST and _may_hold(text):
            changed[name] = _BASE64.sub(lambda match: note(match[0]) if len(match[0]) >= _SHORTEST else match[0], text)
    return replace(generation, content=replace(generation.content, **changed)) if changed else generation


def _may_hold(text: str) -> bool:
    """Most texts have a space somewhere in every stretch of that length: those are passed over in long steps."""
    at = 0
    while at + _SHORTEST <= len(text):
        space = text.rfind(" ", at, at + _SHORTEST)
        if space < 0:
            return any(sign in text for sign in _SIGNS)
        at = space + 1
    return False


def _length(encoded: str) -> str:
    return f"[{len(encoded)} characters of base64]"


def _decoded(encoded: str) -> bytes:
    plain = _ESCAPES.sub(lambda match: "/" if match[1] == "/" else "", encoded)
    plain = plain.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return a2b_base64(plain + "=" * (-len(plain) % 4))
    except Error:
        raise MediaRefused(DropReason.MEDIA_UNREADABLE, "not base64") from None

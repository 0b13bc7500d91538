"""Files that a call names instead of holding their bytes: paths in what was said, below folders that are allowed.

A path is a whole JSON string, plain or as a `file:` URI. The line names it and goes on; who reads it sends back what it
found as a frame of the journal (`uploads`), because a file may be another one tomorrow.
"""

import os
import re
import zlib
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import msgspec

from spanwand.content import Content
from spanwand.drops import DropReason, Drops
from spanwand.media import MOST_PER_CALL
from spanwand.record import Generation

_MOST_CHARS = 1_024
_PLACE_BITS = 32
_ESCAPES = re.compile(r"\\+/")
TEXTS = sorted(Content.__struct_fields__, key=lambda name: name != "output")
"""What was made is looked at before what was sent along."""


class Reference(msgspec.Struct, frozen=True):
    """A file that a call names: `path` below `root`."""

    trace_id: bytes
    span_id: bytes
    index: int
    """Its place among what was uploaded for the call: behind all that apps can upload themselves."""
    root: str
    path: str


Named = Callable[[Reference], None]
"""Told of each, on the line's thread."""


class References:
    """Finds what calls name, and hands it on; `most` of one call, the rest is counted."""

    def __init__(self, roots: tuple[str, ...], most: int, drops: Drops, named: Named) -> None:
        self._roots = sorted(roots, key=len, reverse=True)
        self._signs = [os.path.basename(root) for root in roots]  # noqa: PTH119  # no path of this machine's
        any_root = "|".join(re.escape(root).replace("/", r"\\*+/") for root in self._roots)
        self._pattern = re.compile(
            rf'"((?:file:(?:\\*+/\\*+/(?:localhost)?)?)?(?:{any_root})(?=\\*+/)(?:[^"\\\x00-\x1f]++|\\++/)++)\\*+"'
        )
        self._most = most
        self._drops = drops
        self._named = named

    def __call__(self, generation: Generation) -> None:
        """Hand on what a call names."""
        found = dict.fromkeys(place for name in TEXTS for place in self._places(getattr(generation.content, name)))
        for number, (root, path) in enumerate(found):
            if number >= self._most:
                self._drops[DropReason.MEDIA_OVER_LIMIT] += len(found) - number
                return
            index = (MOST_PER_CALL + number << _PLACE_BITS) + zlib.crc32(path.encode("utf-8", "replace"))
            self._named(Reference(generation.trace_id, generation.span_id, index, root, path))

    def _places(self, text: str) -> Iterator[tuple[str, str]]:
        """Root and path below it of each file that a text names."""
        if any(sign in text for sign in self._signs):
            for match in self._pattern.finditer(text):
                plain = _ESCAPES.sub("/", match[1])
                path = unquote(plain.partition(":")[2]) if plain.startswith("file:") else plain
                path = path.removeprefix("//localhost").removeprefix("//") if plain.startswith("file://") else path
                root = next((root for root in self._roots if path.startswith(f"{root}/")), None)
                if root is not None and len(path) <= _MOST_CHARS:
                    yield root, path[len(root) + 1 :]


def check_root(root: str) -> str:
    """A folder as it came, or ValueError."""
    if not os.path.isabs(root) or os.path.normpath(root) != root or root == os.sep:  # noqa: PTH117  # as written
        raise ValueError("must be a whole path without . or .. or a slash at its end, and not / itself")
    return root

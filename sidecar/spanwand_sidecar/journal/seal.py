"""How a body is sealed: AES-256-GCM, one key per segment, the frame's position as the nonce.

A sealed body is `salt 8 | ciphertext | tag 16`. A segment has a random salt, and each salt a key of its own, derived
from the journal's secret by HKDF-SHA256. So a position is a nonce that comes once under its key, even where
positions come again: in a segment that had to be begun twice, or when a journal is wiped and its secret stays. The
salt lies in every frame, so a damaged segment header loses nothing. The tag covers position, kind and arrival too:
a frame that was moved or dated back does not open.
"""

import os
import struct
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from spanwand_sidecar.journal.frame import Damage, Frame, FrameKind, Stored

SALT_BYTES = 8
SEAL_BYTES = SALT_BYTES + 16
"""What sealing adds to a body."""
KEY_ID_BYTES = 16
_REMEMBERED_SALTS = 64
_NONCE = struct.Struct("<Q4x")
_AUTHENTICATED = struct.Struct("<QQB")


class Key:
    """The journal's secret. `id` names it in segment headers and says nothing about it."""

    def __init__(self, secret: bytes) -> None:
        self.id = _derive(secret, KEY_ID_BYTES, b"", b"spanwand journal key id")
        self._secret = secret
        self.cipher = lru_cache(_REMEMBERED_SALTS)(self._cipher)
        """The cipher of a segment, by its salt."""

    def _cipher(self, salt: bytes) -> AESGCM:
        return AESGCM(_derive(self._secret, 32, salt, b"spanwand journal segment"))


class Sealer:
    """Seals the frames of one segment."""

    def __init__(self, key: Key) -> None:
        self._salt = os.urandom(SALT_BYTES)
        self._cipher = key.cipher(self._salt)

    def __call__(self, position: int, kind: FrameKind, arrival_ns: int, body: bytes) -> tuple[bytes, bytes]:
        """The body as it goes to disk, in two parts, for to join large ones costs memory. No position comes twice."""
        authenticated = _AUTHENTICATED.pack(position, arrival_ns, kind)
        return self._salt, self._cipher.encrypt(_NONCE.pack(position), body, authenticated)


def unseal(stored: Stored, key: Key | None) -> Frame | Damage:
    """The frame in clear; Damage if it is sealed with another key or was tampered with."""
    header, body = stored.header, stored.body
    if header.sealed:
        if key is None or len(body) < SEAL_BYTES:
            return Damage(stored.start, stored.end)
        authenticated = _AUTHENTICATED.pack(stored.start, header.arrival_ns, header.kind)
        cipher = key.cipher(body[:SALT_BYTES])
        try:
            body = cipher.decrypt(_NONCE.pack(stored.start), memoryview(body)[SALT_BYTES:], authenticated)
        except InvalidTag:
            return Damage(stored.start, stored.end)
    return Frame(stored.start, stored.end, header.kind, header.arrival_ns, body)


def _derive(secret: bytes, length: int, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length, salt, purpose).derive(secret)

"""Bytes by path, behind upload and download URLs. Uploads are checked against the MD5 they were announced with."""

import base64
import hashlib
from urllib.parse import quote


def md5_base64(body: bytes) -> str:
    """Base64 MD5, as W&B writes digests of files."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


class Blobs:
    """What was uploaded. Paths begin with `/storage/` and are unquoted; `url` makes them fit for the wire."""

    def __init__(self) -> None:
        self.base_url = ""
        self.contents: dict[str, bytes] = {}
        self.expected_md5: dict[str, str] = {}
        self.mismatches: list[str] = []
        self.puts: list[str] = []

    def announce(self, path: str, md5: str = "") -> str:
        """An absolute upload URL for `path`; with `md5` (base64), only that content is accepted there."""
        if md5:
            self.expected_md5[path] = md5
        return self.url(path)

    def url(self, path: str) -> str:
        """The absolute URL of `path`, for PUT and GET."""
        return self.base_url + quote(path)

    def put(self, path: str, body: bytes, content_md5: str) -> bool:
        """Store an upload. False if it is not the content that was announced."""
        md5 = md5_base64(body)
        if {self.expected_md5.get(path) or md5, content_md5 or md5} != {md5}:
            self.mismatches.append(path)
            return False
        self.puts.append(path)
        self.contents[path] = body
        return True

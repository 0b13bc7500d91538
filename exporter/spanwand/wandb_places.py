"""Where runs may go, as a user writes it: a server, and projects on it.

What is wrong is a ValueError that never repeats the text: a key may have been put there.
"""

import re

_SERVER = re.compile(r"https?://(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:/[!-~]*)?", re.ASCII | re.IGNORECASE)
_PROJECT = re.compile(r"[^/\\#?%:\s]{1,128}/[^/\\#?%:]{1,128}")


def check_server(url: str) -> str:
    """A server's URL as it came, or nothing."""
    if url and (not _SERVER.fullmatch(url) or "?" in url or "#" in url):
        raise ValueError("must be http:// or https://, a host, and perhaps a port and a path")
    return url


def check_project(pair: str) -> str:
    """An entity and a project as they came."""
    if not _PROJECT.fullmatch(pair):
        raise ValueError("must be entity/project")
    return pair

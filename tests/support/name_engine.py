"""An engine that knows a few people, and words that make it hang, die or talk nonsense.

`python FILE NUMBER [LOADED]`: on the socket of this number, once the file LOADED is there.
"""

import os
import re
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from spanwand_sidecar.names.serve import Look, serve
from spanwand_sidecar.names.texts import Found

PEOPLE = re.compile(r"(?P<PERSON>Jane Doe|John Smith)|(?P<LOCATION>Berlin|New York)")


def look(text: str) -> Sequence[Found]:
    if "hang" in text:
        time.sleep(3_600)
    if "die" in text:
        os._exit(1)
    if "raise" in text:
        raise RuntimeError(text)
    if "nonsense" in text:
        return [(5, 100_000, "PERSON")]
    if "download" in text:
        socket.create_connection(("127.0.0.1", 9))
    if "environment" in text:
        return [(0, 1, name) for name in os.environ if name.startswith("WANDB_")]
    return [(match.start(), match.end(), match.lastgroup or "") for match in PEOPLE.finditer(text)]


def load() -> Look:
    """Waits for the file that is named, if one is."""
    while sys.argv[2:] and not Path(sys.argv[2]).exists():
        time.sleep(0.01)
    return look


if __name__ == "__main__":
    serve(int(sys.argv[1]), load)

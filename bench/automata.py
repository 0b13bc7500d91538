"""What it takes to clean a text by what it is made of: CPU, and the memory that RE2's automata grow by (R36, design 8).

    python bench/automata.py [KIND]

Each kind has a process of its own: what is resident of its heap is looked at before, free pages given back, and after
each text, for an automaton that is full begins anew. Texts are cleaned as the line does what waits for rows. No random
text comes twice: what automata take to grow is part of the time.
"""

import argparse
import base64
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from resource import getpagesize

from prose import prose
from spanwand.config import RedactConfig
from spanwand.redactors.content import cleaner
from spanwand.redactors.scrub import Scrubber
from spanwand.redactors.work import TooMuchWork
from spanwand_sidecar.process import settle

TEXTS, CHARS = 512, 8_192
MIB = 1 << 20
KINDS: Mapping[str, Callable[[random.Random], str]] = {
    "prose": lambda rng: prose(rng, CHARS),
    "base64": lambda rng: base64.b64encode(rng.randbytes(CHARS * 3 // 4)).decode(),
    "hexadecimal": lambda rng: rng.randbytes(CHARS // 2).hex(),
    "digits": lambda rng: " ".join(str(rng.getrandbits(rng.randint(1, 60))) for _ in range(CHARS))[:CHARS],
    "random ASCII": lambda rng: "".join(map(chr, rng.choices(range(32, 127), k=CHARS))),
    "random Unicode": lambda rng: "".join(map(chr, rng.choices(range(0xD800), k=CHARS))),
}


def by_kind() -> None:
    """Print a line for each."""
    print(
        f"\n{TEXTS} texts of {CHARS:,} characters\n  {'kind':<16}{'µs a character':>16}{'MiB':>8}{'refused':>9}",
        flush=True,
    )
    for kind in KINDS:
        subprocess.run([sys.executable, __file__, kind], check=True)


def measure(kind: str) -> None:
    """Print the line of one."""
    rng = random.Random(5)
    texts = [KINDS[kind](rng) for _ in range(TEXTS)]
    scrubber = Scrubber()
    scrubber.renew()
    clean = cleaner(RedactConfig(policy="redacted", content_max_chars=CHARS), b"key", scrubber)
    settle()
    before = most = heap_bytes()
    took_s, refused = 0.0, 0
    for text in texts:
        start = time.process_time()
        try:
            clean(text)
        except TooMuchWork:
            refused += 1
        took_s += time.process_time() - start
        most = max(most, heap_bytes())
    grown = (most - before) / MIB
    print(f"  {kind:<16}{took_s / TEXTS / CHARS * 1e6:>16.3f}{grown:>8.1f}{refused / TEXTS:>9.1%}")


def heap_bytes() -> int:
    """What is resident and of no file."""
    _, resident, shared, *_ = map(int, Path("/proc/self/statm").read_text().split())
    return (resident - shared) * getpagesize()


def main() -> None:
    """Print them all, or one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("kind", nargs="?", choices=KINDS)
    kind = parser.parse_args().kind
    if kind:
        measure(kind)
    else:
        by_kind()


if __name__ == "__main__":
    main()

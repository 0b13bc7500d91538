"""What sealing costs per body, and how long a journal with a backlog takes to open.

    python bench/journal.py [--backlog-mb 2048] [--directory DIR]

CPU time of the calling process, so that other work on the machine does not count; seconds to open are of the clock.
Bodies are random bytes of the sizes that a batch of 512 spans, one span with content and one without have.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from spanwand_sidecar.journal import Frame, FrameKind, Journal, JournalConfig
from spanwand_sidecar.journal.frame import Header, Stored, checksum
from spanwand_sidecar.journal.seal import Key, Sealer, unseal

SIZES = (500, 4_000, 130_000)
ROUNDS = 7
TRACES = FrameKind.OTLP_TRACES


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backlog-mb", type=int, default=2048)
    parser.add_argument("--directory", type=Path, help="Where the backlog is made; else the working directory.")
    options = parser.parse_args()
    for size in SIZES:
        report(size)
    with tempfile.TemporaryDirectory(prefix="journal-", dir=options.directory or Path.cwd()) as folder:
        for size in (300, 130_000):
            backlog(Path(folder) / str(size), options.backlog_mb << 20, size)


def report(size: int) -> None:
    """Seal, unseal, and the checksum that is made with and without, of one size."""
    key, body = Key(os.urandom(32)), os.urandom(size)
    seal = Sealer(key)
    sealed = b"".join(seal(0, TRACES, 1, body))
    stored = Stored(0, 24 + len(sealed), Header(TRACES, len(sealed), 1, checksum(sealed), sealed=True), sealed)
    assert isinstance(unseal(stored, key), Frame)
    figures = {
        "seal": cpu_us(lambda: seal(0, TRACES, 1, body)),
        "unseal": cpu_us(lambda: unseal(stored, key)),
        "checksum": cpu_us(lambda: checksum(body)),
    }
    print(f"{size:7} B  " + "  ".join(f"{name} {figure:6.1f} us" for name, figure in figures.items()))


def cpu_us(call: Callable[[], object]) -> float:
    """Median CPU microseconds of a call."""
    times = []
    for _ in range(ROUNDS):
        began_s = time.process_time()
        for _ in range(300):
            call()
        times.append(1e6 * (time.process_time() - began_s) / 300)
    return median(times)


def backlog(data_dir: Path, size: int, body_size: int) -> None:
    """Fill a journal with bodies of one size, close it, open it again."""
    config = JournalConfig(max_bytes=2 * size)
    journal = Journal.open(data_dir / "journal", config)
    body = os.urandom(body_size)
    while journal.end < size:
        for _ in range(max(1, (8 << 20) // body_size)):
            journal.submit(TRACES, body, lambda _: None)
        journal.append(TRACES, body)
    journal.close()
    before_mib = peak_mib()
    began_s = time.perf_counter()
    journal = Journal.open(data_dir / "journal", config)
    took_s = time.perf_counter() - began_s
    print(
        f"{journal.size_bytes >> 20:5} MiB in bodies of {body_size} B: open after {took_s:.2f} s,"
        f" {journal.segments} files, peak memory {before_mib} -> {peak_mib()} MiB"
    )
    journal.close()


def peak_mib() -> int:
    """Most memory this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


if __name__ == "__main__":
    main()

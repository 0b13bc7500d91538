"""R21: the host's clock jumps by hours while spans arrive. Nothing is lost, nothing is late for ever, steps go on."""

import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.kill_rounds import account
from tests.faults.senders import Load, Senders
from tests.faults.targets import Spanwand
from tests.support.daemon import until, updates

HOUR_S = 3_600
STEPPED_CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    if (!failed && clock == CLOCK_REALTIME) {
        FILE *file = fopen(getenv("CLOCK_STEP_FILE"), "r");
        long step_s = 0;
        if (file && fscanf(file, "%ld", &step_s) == 1) now->tv_sec += step_s;
        if (file) fclose(file);
    }
    return failed;
}
"""


@pytest.fixture
def step_file(tmp_path: Path) -> Path:
    file = tmp_path / "step"
    file.write_text("0")
    return file


@pytest.fixture
def target(tmp_path: Path, step_file: Path) -> Iterator[Spanwand]:
    """A daemon that is told the time and the seconds in `step_file` on top."""
    source, library = tmp_path / "clock.c", tmp_path / "clock.so"
    source.write_text(STEPPED_CLOCK)
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    except OSError as error:
        pytest.skip(f"no C compiler: {error}")
    with Spanwand(tmp_path, "jsonl") as target:
        target.environ = {"LD_PRELOAD": str(library), "CLOCK_STEP_FILE": str(step_file)}
        yield target


@pytest.mark.slow
def test_the_clock_is_stepped(target: Spanwand, step_file: Path, tmp_path: Path, report: Callable[[str], None]) -> None:
    """Forth by an hour, back by two, forth again; the last one over a restart."""
    running = target.running()
    with Senders(Load(address=target.address, spans_per_s=300), tmp_path / "senders", count=1) as senders:
        for step_s in (HOUR_S, -HOUR_S, 0):
            seen = len(senders.acknowledged())
            until(lambda seen=seen: len(senders.acknowledged()) > seen + 100)  # type: ignore[misc]  # lambda
            step_file.write_text(str(step_s))
        assert running.get("/readyz")[0] == 200
        seen = len(senders.acknowledged())
        until(lambda: len(senders.acknowledged()) > seen + 100)
        senders.stop()
        step_file.write_text(str(-HOUR_S))
        target.drain()
        found = account(senders.acknowledged(), 0, target.delivered())
    assert (found.lost, found.doubled, found.miscounted, found.miscounted_tokens) == (0, 0, 0, 0)
    starts_ns = [line["window"]["start_ns"] for line in updates(target.data_dir)]
    assert all(earlier <= later for earlier, later in pairwise(starts_ns))
    report(f"R21 clock stepped +1 h, -2 h, +1 h, -1 h: {found}")

"""Less of the machine for one process, by cgroups (version 1)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CPU = Path("/sys/fs/cgroup/cpu")
PERIOD_US = 100_000


@contextmanager
def cpu_share(pid: int, share: float) -> Iterator[None]:
    """A process may use `share` of one core until it ends or the block does. Skips who may not make cgroups."""
    group = CPU / f"spanwand-{os.getpid()}"
    try:
        group.mkdir()
        (group / "cpu.cfs_quota_us").write_text(str(int(share * PERIOD_US)))
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        pytest.skip(f"cannot limit the CPU of a process: {error}")
    try:
        yield
    finally:
        for left in (group / "cgroup.procs").read_text().split():
            (CPU / "cgroup.procs").write_text(left)
        group.rmdir()

"""wandb-core, the process through which the wandb package does everything: alive, dead, and taken down in time.

Only this file, `increments`, `streamed_rows` and `upload` reach into the package's privates: none of this is public.
"""

import contextlib
import importlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spanwand.forks import held_back
from spanwand.sinks.wandb.host import environment_kept

if TYPE_CHECKING:
    import subprocess

logger = logging.getLogger(__name__)


ORPHAN_END_S = 5.0
_owned = False


def load() -> None:
    """Import wandb. If nobody had before, wandb-core will be ours to end."""
    global _owned
    if "wandb" not in sys.modules:
        with held_back():
            importlib.import_module("wandb")
        os.register_at_fork(after_in_child=leave_to_parent)
        _owned = True


def is_ours() -> bool:
    """Whether ending wandb-core ends nobody else's runs."""
    return _owned and sys.modules["wandb"].run is None


def is_dead(error: BaseException) -> bool:
    """Whether an exception out of wandb means that wandb-core is gone, and every run in it."""
    return isinstance(error, ConnectionError) or type(error).__name__ in {"MailboxClosedError", "HandleAbandonedError"}


def is_alive() -> bool:
    """Whether wandb-core runs, as far as this process can know: another process's it cannot see."""
    process = _process()
    return process is None or process.poll() is None


def take_down(timeout_s: float) -> None:
    """End wandb-core and with it the package's exit hook, which would wait for uploads for days.

    After a crash this is what makes the package start a new wandb-core.
    """
    sdk: Any = sys.modules["wandb"]
    process = _process()
    finished = run_all([partial(_quietly, sdk.teardown)], timeout_s)
    if not finished and process is not None:
        logger.warning("wandb-core did not end within %.1f s and was killed; its runs are complete on disk", timeout_s)
        process.kill()


class Owner(NamedTuple):
    """A wandb-core and the process that started it."""

    pid: int
    core_pid: int


def start() -> Owner | None:
    """Start wandb-core unless it runs. Returns whose it is if it is this process's. Raises whatever wandb raises."""
    with environment_kept():
        sys.modules["wandb"].setup()
    process = _process()
    return Owner(os.getpid(), process.pid) if process else None


def end_orphan(left: Owner) -> None:
    """Kill the wandb-core of a process that has died, if it still lives: it would go on writing to its runs' logs.

    It ends by itself two seconds later; what it has not uploaded by then stays on disk either way.
    """
    command = Path(f"/proc/{left.core_pid}/cmdline")
    deadline = time.monotonic() + ORPHAN_END_S
    with contextlib.suppress(OSError):
        while b"wandb-core" in (words := command.read_bytes().split(b"\0"))[0] and str(left.pid).encode() in words:
            os.kill(left.core_pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                return
            time.sleep(0.01)


def leave_to_parent() -> None:
    """In a forked child: drop what is inherited of the parent's wandb-core, which is not ours to use or to end."""
    _temporary_folder()._finalizer.detach()
    connection = getattr(_singleton(), "_connection", None)
    cleanup = getattr(connection, "_cleanup", None)
    if cleanup:
        cleanup()
        os.environ.pop("WANDB_SERVICE", None)


def keep_temporary_folder() -> Path:
    """Put back the folder in which wandb writes files before it moves them to a run.

    It goes when a forked child ends, which believes it to be its own, and when a cleaner of /tmp passes.
    """
    folder = Path(_temporary_folder().name)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def run_all(tasks: Iterable[Callable[[], object]], timeout_s: float) -> bool:
    """Run tasks at once, each in a thread that does not keep the interpreter. Returns whether all ended in time."""
    threads = [threading.Thread(target=task, name="spanwand-wandb", daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + timeout_s
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0.0))
    return not any(thread.is_alive() for thread in threads)


def _quietly(teardown: Callable[[], object]) -> None:
    try:
        teardown()
    except (Exception, SystemExit) as error:  # noqa: BLE001  # wandb exits the interpreter if its core was killed
        logger.debug("teardown of wandb: %s", type(error).__name__)


def _process() -> "subprocess.Popen[bytes] | None":
    connection = getattr(_singleton(), "_connection", None)
    return getattr(getattr(connection, "_proc", None), "_process", None)


def _temporary_folder() -> Any:
    return importlib.import_module("wandb.sdk.data_types._private").MEDIA_TMP


def _singleton() -> object:
    return getattr(sys.modules.get("wandb.sdk.wandb_setup"), "_singleton", None)

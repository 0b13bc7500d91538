"""Who has nothing to do sleeps (P10): polls were most of what an idle daemon took, and wake up a core of the app's."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.support.doors import journal_in, trace_request

from spanwand_sidecar import health
from spanwand_sidecar.control import Control
from spanwand_sidecar.receive import ReceiveConfig, http
from spanwand_sidecar.receive.reception import Reception

LOOK_S = 0.6
"""More than twice as long as any poll that there was."""
DEADLINE_S = 30.0
PROTOBUF = {"content-type": "application/x-protobuf"}


@contextmanager
def doors(directory: Path) -> Iterator[tuple[str, str]]:
    """Addresses of the HTTP door and the admin server."""
    with journal_in(directory) as journal:
        reception = Reception(journal, ReceiveConfig())
        admin = Control("127.0.0.1:0", {"/livez": health.live}, reception)
        admin.start()
        server = http.serve("127.0.0.1:0", reception)
        try:
            yield server.addresses[0], admin.address
        finally:
            server.stop(1.0)
            admin.close()


def sleeps(name: str) -> bool:
    """Whether the newest thread of a name, once its work is done, is not woken for a while."""
    *_, thread = [each for each in threading.enumerate() if each.name == name]
    status = Path(f"/proc/self/task/{thread.native_id}/status")
    deadline_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline_s:
        before = status.read_text()
        time.sleep(LOOK_S)
        if _switches(before) == _switches(status.read_text()):
            return True
    return False


def _switches(status: str) -> list[str]:
    return [line for line in status.splitlines() if "ctxt_switches" in line]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts wake-ups as Linux does")
@pytest.mark.parametrize("name", ["http", "admin"])
def test_a_door_sleeps_before_and_behind_a_request(tmp_path: Path, name: str) -> None:
    with doors(tmp_path) as (otlp, admin):
        assert sleeps(name)
        with httpx.Client(trust_env=False) as client:
            url = f"http://{otlp}/v1/traces"
            assert client.post(url, content=trace_request(1), headers=PROTOBUF).status_code == 200
            assert client.get(f"http://{admin}/livez").status_code == 200
        assert sleeps(name)


def test_doors_hear_that_they_are_to_close(tmp_path: Path) -> None:
    """Asleep, and just begun."""
    before = set(threading.enumerate())
    for _ in range(5):
        with doors(tmp_path):
            pass
        assert not {"http", "admin"} & {thread.name for thread in set(threading.enumerate()) - before}

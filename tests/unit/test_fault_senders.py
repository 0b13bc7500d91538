"""The senders of the fault tests never outlive their test, however much they insist."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.faults.senders import ROOT, Load, Senders

ORPHAN = """
import sys, time
from pathlib import Path
import msgspec
from tests.faults.senders import Load, Senders
senders = Senders(msgspec.json.decode(sys.argv[1], type=Load), Path(sys.argv[2]), count=1)
print("started", flush=True)
time.sleep(600)
"""


@pytest.fixture
def mute() -> Iterator[socket.socket]:
    """Somebody who lets connect, and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        yield listener


def load(mute: socket.socket, gives_up_s: int) -> Load:
    host, port = mute.getsockname()
    return Load(address=f"{host}:{port}", in_flight=1, insists=True, gives_up_s=gives_up_s)


def test_who_insists_ends_when_its_test_is_killed(mute: socket.socket, tmp_path: Path) -> None:
    """Its standard output, inherited, is closed with it."""
    text = msgspec.json.encode(load(mute, 600)).decode()
    command = [sys.executable, "-c", ORPHAN, text, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as test:
        connection, _ = mute.accept()
        test.kill()
        assert test.communicate(timeout=60)[0] == b"started\n"
        connection.close()


def test_who_insists_gives_up_some_time_after_it_was_told_to_stop(mute: socket.socket, tmp_path: Path) -> None:
    senders = Senders(load(mute, 1), tmp_path, count=1)
    connection, _ = mute.accept()
    senders.stop()  # raises if it goes on
    connection.close()
    assert not senders.answers()

"""K3: the test server speaks W&B's protocol well enough for the real SDK, and its faults do what they say."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.support.wandb_server import API_KEY, Fault, WandbServer
from tests.support.wandb_server.environment import environment

ROOT = Path(__file__).parents[2]
HISTORY = "wandb-history.jsonl"


@pytest.fixture
def server() -> Iterator[WandbServer]:
    with WandbServer() as server:
        yield server


def run_program(name: str, server: WandbServer, home: Path) -> dict[str, Any]:
    """Run a program of `wandb_programs` against `server`. Returns what it saw."""
    command = [sys.executable, "-m", "tests.support.wandb_programs", name, str(home / "result.json")]
    environ = environment(server.url, home) | {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, env=environ, cwd=home, check=True, timeout=60)
    result: dict[str, Any] = json.loads((home / "result.json").read_text())
    return result


def request(url: str, body: object = None, *, method: str = "POST", key: str = API_KEY) -> Any:
    """The JSON a request is answered with. Raises httpx.HTTPError."""
    content = body if isinstance(body, bytes) else json.dumps(body)
    answer = httpx.request(method, url, content=content, auth=("api", key), timeout=5, trust_env=False)
    answer.raise_for_status()
    return json.loads(answer.content or "null")


def upsert(server: WandbServer, name: str = "r1") -> Any:
    query = "mutation UpsertBucket { upsertBucket { bucket { name project { entity { name } } } } }"
    return request(f"{server.url}/graphql", {"query": query, "variables": {"name": name, "project": "shop"}})


def stream(server: WandbServer, offset: int, *lines: str) -> Any:
    body = {"files": {HISTORY: {"offset": offset, "content": list(lines)}}}
    return request(f"{server.url}/files/team/shop/r1/file_stream", body)


def test_the_real_sdk_writes_and_reads_back_everything(server: WandbServer, tmp_path: Path) -> None:
    seen = run_program("everything", server, tmp_path)
    values = [index * 2.5 for index in range(10)]
    assert seen.pop("files") == sorted(server.run_files("everything"))
    assert seen == {
        "version": "v0",
        "name": "everything",
        "group": "group",
        "job_type": "job",
        "tags": ["blue"],
        "config": {"replicas": 3},
        "state": "finished",
        "value": 22.5,
        "history": values,
        "sampled": values,
        "scanned": values,
        "logged": sorted(
            [*(f"run-everything-incr-growing:v{index}" for index in range(3)), "notes:v0", "run-everything-plain:v0"]
        ),
        "runs": ["everything"],
        "notes": "hello",
        "growing": 3,
        "absent": False,
    }
    assert [row["value"] for row in server.history("everything") if "value" in row] == values
    assert server.summary("everything")["value"] == 22.5
    assert server.config("everything") == {"replicas": 3}
    tables = server.tables("everything")
    assert tables["growing"].rows == [[0, "row 0"], [1, "row 1"], [2, "row 2"]]
    assert tables["plain"].records() == [{"number": 7}]
    assert [alert["title"] for alert in server.run("everything").alerts] == ["title"]
    assert server.problems() == []


def test_the_real_sdk_resumes(server: WandbServer, tmp_path: Path) -> None:
    assert run_program("resume", server, tmp_path) == {"starting_steps": [0, 2]}
    assert [row["_step"] for row in server.run("resumed").history()] == [0, 1, 2]
    assert server.problems() == []


STREAM = "POST */file_stream *"
FAULTS: dict[str, list[dict[str, Any]]] = {
    "errors": [
        {"pattern": STREAM, "kind": "status", "status": 500, "times": 1},
        {"pattern": STREAM, "kind": "status", "status": 429, "retry_after_s": 1, "times": 1},
    ],
    "lost requests": [{"pattern": STREAM, "kind": "drop_before", "times": 1, "skip": 1}],
    "lost answers": [{"pattern": STREAM, "kind": "drop_after", "times": 1, "skip": 1}],
    "other requests": [
        {"pattern": "POST /graphql UpsertBucket", "kind": "drop_after", "times": 1},
        {"pattern": "PUT *", "kind": "status", "status": 503, "times": 1},
    ],
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_real_sdk_survives_faults_without_loss(server: WandbServer, tmp_path: Path, name: str) -> None:
    """R11, R14: what the SDK resends overwrites, so every row is there once."""
    faults = [server.faults.add(Fault(**fields)) for fields in FAULTS[name]]
    run_program("scalars", server, tmp_path)
    assert [fault.hits for fault in faults] == [fault.times for fault in faults]
    assert [row["value"] for row in server.history("scalars")] == list(range(100))
    assert server.run("scalars").state == "finished"
    assert server.problems() == []
    if name == "lost answers":
        assert server.run("scalars").history_lines.resent > 0


def test_wrong_keys_are_refused_until_they_are_accepted(server: WandbServer) -> None:
    server.keys.clear()
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        upsert(server)
    server.keys.add(API_KEY)
    assert upsert(server)["data"]["upsertBucket"]["bucket"]["name"] == "r1"
    assert [exchange.status for exchange in server.requests] == [401, 200]


def test_history_is_kept_by_line_and_what_is_odd_is_noted(server: WandbServer) -> None:
    upsert(server)
    stream(server, 0, '{"_step": 0, "a": NaN}', '{"_step": 1, "a": 1}')
    stream(server, 1, '{"_step": 1, "a": 1}')
    assert [row["_step"] for row in server.run("r1").history()] == [0, 1]
    assert (server.run("r1").history_lines.resent, server.problems()) == (1, [])
    stream(server, 1, '{"_step": 1, "a": 2}')
    stream(server, 3, '{"_step": 3, "a": 3}')
    assert server.problems() == [f"gap r1 {HISTORY} 3", f"rewritten r1 {HISTORY} 1"]


def test_uploads_are_checked_against_their_digest(server: WandbServer) -> None:
    url = server.world.blobs.announce("/storage/artifacts/1/files/a b", md5="XUFAKrxLKna5cZ2REBfFkg==")
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        request(url, b"tampered", method="PUT")
    request(url, b"hello", method="PUT")
    assert server.world.blobs.contents["/storage/artifacts/1/files/a b"] == b"hello"
    assert server.problems() == ["MD5 mismatch /storage/artifacts/1/files/a b"]


def test_what_it_does_not_know_is_listed(server: WandbServer) -> None:
    url = f"{server.url}/graphql"
    assert "errors" in request(url, {"query": "query Unheard { of }", "variables": None})
    request(url, {"query": "{ viewer { id } }".replace("{", "query Viewer {", 1)})
    request(url, {"query": "query Viewer { viewer { id shoeSize } }"})
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        request(f"{server.url}/somewhere", {})
    assert server.unknown == ["operation Unheard", "Viewer: field viewer.shoeSize", "path POST /somewhere"]


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_client_that_dies_within_a_request_is_no_problem(server: WandbServer, encoding: str) -> None:
    """What was killed sends half a body. It is not applied, and is no fault of anybody's."""
    upsert(server)
    headers = f"Content-Encoding: {encoding}\r\nContent-Length: 100\r\n\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=5) as connection:
        connection.sendall(f"POST /files/team/shop/r1/file_stream HTTP/1.1\r\n{headers}{{".encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert server.history("r1") == []
    assert server.problems() == []


def test_faults_answer_drop_and_lie(server: WandbServer) -> None:
    server.faults.add(Fault("POST /graphql Upsert*", "status", status=503, retry_after_s=7, times=1))
    with pytest.raises(httpx.HTTPStatusError) as refused:
        upsert(server)
    assert (refused.value.response.status_code, refused.value.response.headers["Retry-After"]) == (503, "7")
    server.faults.add(Fault("POST /graphql *", "graphql_error", message="quota", times=1))
    assert upsert(server)["errors"] == [{"message": "quota"}]
    server.faults.add(Fault("POST /graphql *", "ignore", times=1))
    upsert(server)
    server.faults.add(Fault("POST /graphql *", "drop_before", times=1))
    with pytest.raises(httpx.RemoteProtocolError):
        upsert(server)
    assert server.runs == []
    server.faults.add(Fault("POST /graphql *", "drop_after", times=1))
    with pytest.raises(httpx.RemoteProtocolError):
        upsert(server)
    assert [run.name for run in server.runs] == ["r1"]


def test_a_hanging_request_holds_up_nobody_and_ends_when_cleared(server: WandbServer) -> None:
    server.faults.add(Fault("POST /graphql *", "hang", times=1))
    outcome: list[type[Exception]] = []

    def hang() -> None:
        try:
            upsert(server, "held")
        except httpx.HTTPError as error:
            outcome.append(type(error))

    thread = threading.Thread(target=hang)
    thread.start()
    while not server.requests:
        time.sleep(0.01)
    upsert(server, "other")
    assert thread.is_alive()
    server.faults.clear()
    thread.join(5)
    assert outcome == [httpx.RemoteProtocolError]
    assert [run.name for run in server.runs] == ["other"]


def test_it_goes_down_and_comes_back_on_the_same_port() -> None:
    with WandbServer(up=False) as server:
        for _ in range(2):
            with pytest.raises(httpx.ConnectError):
                upsert(server)
            server.up()
            upsert(server)
            server.down()
        assert len(server.requests) == 2


def test_it_serves_as_a_process_of_its_own(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    command = [sys.executable, "-m", "tests.support.wandb_server", "--port-file", str(port_file)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            deadline = time.monotonic() + 20
            while not port_file.exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            url = f"http://127.0.0.1:{port_file.read_text()}"
            request(f"{url}/control/keys", ["k" * 40])
            request(f"{url}/control/faults", {"pattern": "POST /graphql *", "kind": "graphql_error", "times": 1})
            query = {"query": "query Viewer { viewer { id } }"}
            assert "errors" in request(f"{url}/graphql", query, key="k" * 40)
            request(f"{url}/control/clear", {})
            state = request(f"{url}/control/state", method="GET")
            assert state["requests"] == [{"request": "POST /graphql Viewer", "status": 200}]
            assert (state["runs"], state["problems"]) == ([], [])
        finally:
            process.terminate()
    assert process.returncode == 0

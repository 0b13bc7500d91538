"""Unique secrets in every place where OTLP has room for a string, then a search for them everywhere (P6, K5, A5, R34).

What leaves are labels, without what a pattern finds in them; of all other places nothing (`tests.support.canaries`).
"""

import http.client
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import psutil
import pytest
from tests.support.canaries import CONTENT, NAMES, Canaries, free, leaks, request
from tests.support.daemon import WINDOW, RunningDaemon, daemon, until

from spanwand.stored.read import read

if TYPE_CHECKING:
    from collections.abc import Sequence

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def send_over_grpc(running: RunningDaemon, body: bytes, canaries: Canaries) -> None:
    """With a secret in the metadata; and one call of a method that nobody has, which is refused."""
    metadata = (("authorization", f"Bearer {canaries.text('metadata')}"), ("x-api-key", canaries.text("own metadata")))
    with grpc.insecure_channel(running.endpoints.grpc[0]) as channel:
        channel.unary_unary(EXPORT, bytes, bytes)(body, metadata=metadata, timeout=10)
        broken = body[:-3] + canaries.text("broken body").encode()
        for path, sent in (("/quokka.Service/x", body), (EXPORT, broken)):
            assert channel.unary_unary(path, bytes, bytes).future(sent, timeout=10).code() is not grpc.StatusCode.OK


def send_over_http(running: RunningDaemon, body: bytes, canaries: Canaries) -> list[int]:
    """With secrets in headers and addresses; most of it is refused. Returns the answers' codes."""
    protobuf, json = "application/x-protobuf", "application/json"
    headers = {"Authorization": "Basic " + canaries.text("header"), "Cookie": canaries.text("cookie")}
    headers["User-Agent"] = canaries.text("user agent")
    broken_json = '{"resourceSpans": [' + canaries.text("broken json").replace(" ", "-")
    requests: Sequence[tuple[str, str, bytes]] = (
        ("/v1/traces", protobuf, body),
        ("/v1/traces", protobuf, canaries.text("no protobuf").encode()),
        ("/v1/traces", json, broken_json.encode()),
        ("/v1/traces", canaries.text("content type"), body),
        ("/v1/" + canaries.text("path").replace(" ", "-"), protobuf, body),
    )
    codes = []
    for path, content_type, sent in requests:
        connection = http.client.HTTPConnection(running.endpoints.http, timeout=10)
        connection.request("POST", path, sent, {**headers, "Content-Type": content_type})
        codes.append(connection.getresponse().status)
        connection.close()
    return codes


def pages(running: RunningDaemon) -> str:
    return "".join(running.get(page)[2] for page in ("/livez", "/readyz", "/metrics", "/status"))


def processes(running: RunningDaemon) -> bytes:
    """Environment and command line of the daemon and its children."""
    family = [
        running.process.pid,
        *(child.pid for child in psutil.Process(running.process.pid).children(recursive=True)),
    ]
    return b"".join(Path(f"/proc/{pid}/{part}").read_bytes() for pid in family for part in ("environ", "cmdline"))


def unpacked(content: bytes) -> bytes:
    """All members of a gzip file, the last as far as a kill let it get."""
    found = b""
    while content:
        member = zlib.decompressobj(31)
        found += member.decompress(content)
        content = member.unused_data
    return found


def stored(directory: Path) -> dict[str, bytes]:
    """Every file at or below a directory, and what the reader makes of the W&B and `jsonl` ones."""
    files = [file for file in directory.rglob("*") if file.is_file()]
    found = {str(file.relative_to(directory)): file.read_bytes() for file in files}
    found |= {f"{name}, unpacked": unpacked(content) for name, content in found.items() if name.endswith(".gz")}
    return found | {"as read": repr(read(directory / "data")).encode()}


def pass_through(directory: Path, canaries: Canaries, **settings: str) -> dict[str, bytes]:
    """Send all secrets twice, with a kill -9 in between; drain; return everything that can be seen afterwards."""
    settings = WINDOW | {"SINKS": "wandb,jsonl", "WANDB__MODE": "offline", "LOG__LEVEL": "debug"} | settings
    body = request(canaries)
    with daemon(directory / "data", **settings) as first:
        send_over_grpc(first, body, canaries)
        until(lambda: first.status().sinks["wandb"].outcomes.get("delivered"))
        send_over_grpc(first, body, Canaries())
        seen = {"pages": pages(first).encode(), "processes": processes(first)}
        first.process.kill()
        seen["log"] = first.process.communicate(timeout=10)[1].encode()
    with daemon(directory / "data", **settings) as second:
        assert send_over_http(second, body, canaries) == [200, 400, 400, 415, 404]
        until(lambda: second.status().journal.backlog_bytes == 0)
        seen |= {"pages again": pages(second).encode(), "processes again": processes(second)}
        seen["log again"] = second.stop().encode()
    return stored(directory) | seen


@pytest.fixture(scope="module")
def dropped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Canaries, dict[str, bytes]]:
    canaries = Canaries()
    return canaries, pass_through(tmp_path_factory.mktemp("dropped"), canaries)


@pytest.fixture(scope="module")
def redacted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Canaries, dict[str, bytes]]:
    canaries = Canaries()
    return canaries, pass_through(tmp_path_factory.mktemp("redacted"), canaries, REDACT__POLICY="redacted")


def test_by_default_nothing_leaves_but_words_of_labels(dropped: tuple[Canaries, dict[str, bytes]]) -> None:
    canaries, seen = dropped
    assert leaks(canaries.only_patterned(), seen) == []
    assert leaks(free(canaries, NAMES), seen) == []


def test_the_search_finds_what_is_there(dropped: tuple[Canaries, dict[str, bytes]]) -> None:
    canaries, seen = dropped
    found = {(place, name) for place, _, name in leaks(canaries.all(), seen)}
    for place in ("service.name", "root name", "gen_ai.conversation.id"):
        assert {(place, "as read"), (place, "data/jsonl/batches.jsonl")} <= found


def test_redacted_content_has_words_but_no_pattern(redacted: tuple[Canaries, dict[str, bytes]]) -> None:
    canaries, seen = redacted
    assert leaks(canaries.only_patterned(), seen) == []
    assert leaks(free(canaries, NAMES, CONTENT), seen) == []
    assert {place for place, _, _ in leaks(canaries.all(), seen)} >= {"diffusion.prompt", "gen_ai.completion"}

"""R20: clients send a request again when they saw no answer. It counts once, also across kills and clean restarts."""

import http.client
from collections.abc import Sequence
from pathlib import Path

from tests.faults.otlp import input_tokens, keys, request
from tests.support.daemon import WINDOW, RunningDaemon, daemon, rows, sums, until, updates

SPANS = 5
NUMBERS = range(20)
BODIES = [request(1, number, SPANS) for number in NUMBERS]
SENT = [key for number in NUMBERS for key in keys(1, number, SPANS)]


def post(running: RunningDaemon, bodies: Sequence[bytes]) -> None:
    connection = http.client.HTTPConnection(running.endpoints.http, timeout=10)
    for body in bodies:
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    connection.close()


def test_every_request_three_times_across_a_kill_and_a_restart(tmp_path: Path) -> None:
    with daemon(tmp_path, **WINDOW) as running:
        post(running, BODIES[:10] * 2)
        running.kill()
    with daemon(tmp_path, **WINDOW) as running:
        post(running, BODIES)
        until(lambda: updates(tmp_path))
        running.stop()
    with daemon(tmp_path, **WINDOW) as running:
        post(running, BODIES[10:])
        until(lambda: running.status().line.dropped.get("duplicate"))
        post(running, BODIES[10:])
        running.stop()
    lines = updates(tmp_path)
    shop, health = sums(lines)["shop"], sums(lines)["spanwand"]
    assert shop["llm/requests"] == len(SENT)
    assert shop["llm/input_tokens"] == sum(map(input_tokens, SENT))
    assert shop["request/count"] == len(NUMBERS)
    assert sorted((row["trace_id"], row["span_id"]) for row in rows(lines, "generations")) == sorted(SENT)
    assert len(rows(lines, "requests")) == len(NUMBERS)
    assert health["spanwand/spans_received"] == 3 * len(SENT)
    assert health["spanwand/dropped/duplicate"] == 2 * len(SENT)

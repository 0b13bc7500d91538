"""R12 as an operator sees it: which rows W&B refused for good is in the status, the metrics, the log and a file."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.at_wandb import counted_at, rows_at
from tests.faults.otlp import keys, request
from tests.faults.targets import Spanwand
from tests.faults.test_flood import send_all
from tests.support.daemon import until
from tests.support.wandb_server import Fault, WandbServer
from tests.support.wandb_server.environment import environment

TRACES, SPANS, BAD = 20, 3, 5
REFUSED = SPANS + 1
"""A row of each call of the bad trace, and one of its request."""


@pytest.mark.slow
def test_what_was_refused_is_told(tmp_path: Path, report: Callable[[str], None]) -> None:
    sent = {key for number in range(1, TRACES + 1) for key in keys(1, number, SPANS)}
    bad = set(keys(1, BAD, SPANS))
    (bad_trace,) = {trace_id for trace_id, _ in bad}
    with WandbServer() as server:
        fault = server.faults.add(Fault("PUT /storage/artifacts/*", "status", status=413, body=bad_trace))
        target = Spanwand(tmp_path, "wandb", WANDB__MODE="online")
        target.environ = environment(server.url, tmp_path / "home")
        with target:
            send_all(target, (request(1, number, SPANS) for number in range(1, TRACES + 1)))
            running = target.running()
            until(lambda: running.status().line.dropped.get("row_refused") == REFUSED, 60)
            assert any("refused.jsonl" in note for note in running.status().sinks["wandb"].notes)
            assert f'spanwand_dropped_items_total{{reason="row_refused"}} {REFUSED:.1f}' in running.get("/metrics")[2]
            target.drain()
        assert (set(rows_at(server)), counted_at(server)) == (sent - bad, len(sent))
        assert server.problems() == []
    letters = [json.loads(line) for line in (target.data_dir / "wandb" / "refused.jsonl").read_text().splitlines()]
    assert [row["trace_id"] for letter in letters for row in letter["rows"]] == [bad_trace] * REFUSED
    assert target.log.read_text().count("dropped since the start") == 1
    report(f"R12 {REFUSED} of {len(sent) + TRACES} rows refused: found in {fault.hits} uploads, the rest delivered")

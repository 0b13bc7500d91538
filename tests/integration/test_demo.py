"""`spanwand demo`: no account, no network, and every sum equal; or a clear failure (K3)."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from spanwand_sidecar.demo.checks import Sent, compare
from spanwand_sidecar.demo.ledger import Answered

COMMAND = [sys.executable, "-m", "spanwand_sidecar", "demo"]
HOSTILE = {"OTEL_TRACES_EXPORTER": "console", "WANDB_MODE": "disabled", "OPENAI_BASE_URL": "http://127.0.0.1:9"}
"""Settings of the user's own that must not change the demo."""


def rows(run: dict[str, Any], table: str) -> list[dict[str, Any]]:
    stored = run["tables"].get(table, {"columns": [], "rows": []})
    return [dict(zip(stored["columns"], row, strict=True)) for row in stored["rows"]]


def test_every_sum_lands_exactly(tmp_path: Path) -> None:
    command = [*COMMAND, "--comics", "6", "--json", "--data-dir", str(tmp_path / "data")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=90, env=os.environ | HOSTILE, check=False)
    assert ended.returncode == 0, ended.stderr
    printed = json.loads(ended.stdout)
    assert printed["equal"] is True
    arms = {run["config"].get("arm") for run in printed["result"]["runs"]} - {None}
    assert arms == {"terse", "vivid"}
    assert {run["group"] for run in printed["result"]["runs"] if run["config"].get("arm")} == {"panel-prompts"}
    checks = printed["result"]["checks"]
    sent = {check["what"]: float(check["sent"]) for check in checks if check["place"] == "metrics"}
    assert sent["comics"] == 6
    assert sent["the API: errors"] == 2
    assert sent["the API: images"] > 15
    assert sent["the API: cost_usd"] > 1
    drawn = [row for run in printed["result"]["runs"] for row in rows(run, "generations") if row["images"]]
    assert {row["gpu_method"] for row in drawn} >= {"overlap"}
    assert sum(row["gpu_joules"] or 0 for row in drawn) > 0  # P9: of the scripted GPU
    for private in ("reader-", "The fox", "Ink and wash"):
        assert private not in ended.stdout  # A5: user ids and stories stay out of the runs


def test_one_lost_call_is_noticed() -> None:
    """The comparison can fail: an answer that never landed differs in requests and tokens."""
    usage = {"requests": 1, "input_tokens": 10, "output_tokens": 5}
    sent = Sent(lines=[{"arm": "terse", "model": "gpt-4o-mini", **usage}], comics=1, answers=[])
    wrong = {check.what for check in compare(sent, []) if not check.equal}
    assert {"arm terse: requests", "arm terse: input_tokens", "arm terse: cost_usd", "comics"} <= wrong
    unsent = Sent(lines=[], comics=0, answers=[Answered(path="/v1/images/generations", model="sd3.5-large", images=1)])
    assert {check.what for check in compare(unsent, []) if not check.equal} == {
        "the API: requests", "the API: images", "the API: cost_usd",
    }  # fmt: skip


def test_a_missing_extra_is_named() -> None:
    code = "import sys; sys.modules['openai'] = None; from spanwand_sidecar.cli import main; main()"
    ended = subprocess.run([sys.executable, "-c", code, "demo"], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == "spanwand: spanwand demo needs openai; pip install 'spanwand[demo]'\n"


def test_a_directory_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    ended = subprocess.run([*COMMAND, "--data-dir", str(tmp_path)], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        f"spanwand: --data-dir: {tmp_path} is not empty; the demo wants a directory of its own"
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_child(tmp_path: Path, number: signal.Signals) -> None:
    data_dir = tmp_path / "data"
    command = [*COMMAND, "--comics", "1000", "--data-dir", str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        next(line for line in process.stdout if line.startswith("comic-"))
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode in (130, 143)
    deadline = time.monotonic() + 10
    while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)

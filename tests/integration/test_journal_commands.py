"""`spanwand journal` and `spanwand replay` over what a real daemon wrote (K3, P2, K5; R41)."""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.support.daemon import CHAT, WINDOW, RunningDaemon, daemon, spanwand, until, updates

from spanwand_sidecar.journal.segment import SEGMENT_HEADER_BYTES

PROMPT = "a comic about the analytical engine, for ada.lovelace@example.org"
CANARIES = (PROMPT, "ada.lovelace", "analytical", "gpt-4o-mini", "comic-service")


def send(running: RunningDaemon, calls: int) -> None:
    """Calls with a prompt, each a request of its own."""
    exporter = OTLPSpanExporter(endpoint=f"http://{running.endpoints.grpc[0]}", insecure=True)
    provider = TracerProvider(shutdown_on_exit=False, resource=Resource({"service.name": "comic-service"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    messages = json.dumps([{"role": "user", "parts": [{"type": "text", "content": PROMPT}]}])
    attributes = {**CHAT, "gen_ai.input.messages": messages, "user.id": "ada.lovelace@example.org"}
    for _ in range(calls):
        provider.get_tracer("app").start_span("chat", attributes=attributes).end()
    provider.shutdown()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a daemon that got 30 calls in three windows and was stopped."""
    data_dir = tmp_path_factory.mktemp("stopped") / "data"
    data_dir.mkdir()
    with daemon(data_dir, **WINDOW) as running:
        for _ in range(3):
            before = len(updates(data_dir))
            send(running, 10)
            until(lambda before=before: len(updates(data_dir)) > before)  # type: ignore[misc]  # bound by default
        running.stop()
    return data_dir


def digests(directory: Path) -> Mapping[str, tuple[str, int]]:
    """Every file below a directory: its content and when it was changed."""
    return {
        str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in directory.rglob("*")
        if path.is_file()
    }


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_no_file_of_the_journal_holds_anything_that_was_sent(stopped: Path) -> None:
    raw = b"".join(path.read_bytes() for path in (stopped / "journal").rglob("*"))
    assert len(raw) > 30 * 300
    assert [canary for canary in CANARIES if canary.encode() in raw] == []


def test_all_that_the_journal_has_is_private(stopped: Path) -> None:
    """R41: directories 0700, files 0600, the key's too."""
    keys = stopped.with_name("data-keys")
    assert [path.name for path in keys.iterdir()] == ["journal.key"]
    for directory in (stopped / "journal", keys):
        assert directory.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


def test_ls_needs_no_key(stopped: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(stopped, tmp_path / "copy")
    result = spanwand(tmp_path, "journal", "ls", str(copy), "--json")
    (file,) = lines(result.stdout)
    assert re.fullmatch("[0-9a-f]{32}", file["key"])
    assert file["from"] == 0
    assert file["bytes"] == file["to"] + SEGMENT_HEADER_BYTES
    assert file["file"] in spanwand(tmp_path, "journal", "ls", str(copy / "journal")).stdout


def test_cat_prints_a_line_per_frame_and_nothing_of_what_was_said(stopped: Path) -> None:
    result = spanwand(stopped, "journal", "cat")
    frames = lines(result.stdout)
    assert result.returncode == 0
    assert sum(frame.get("spans", 0) for frame in frames) == 30
    assert frames[-1]["kind"] == "command"
    assert [frame["end"] for frame in frames[:-1]] == [frame["position"] for frame in frames[1:]]
    assert [frame["arrival_ns"] for frame in frames] == sorted(frame["arrival_ns"] for frame in frames)
    assert set(frames[0]) == {"kind", "position", "end", "arrival_ns", "size_bytes", "spans"}
    later = lines(spanwand(stopped, "journal", "cat", "--from", str(frames[4]["position"])).stdout)
    assert later == frames[4:]
    inside = lines(spanwand(stopped, "journal", "cat", "--from", str(frames[4]["position"] - 1)).stdout)
    assert inside == frames[4:], "the middle of a frame is no damage"


@pytest.mark.parametrize("policy", ["counts-only", "redacted"])
def test_cat_shows_spans_through_the_redactor(stopped: Path, policy: str) -> None:
    """P6: as configured, so content only if that is asked for, and without what patterns take out in any case."""
    result = spanwand(stopped, "journal", "cat", "--spans", REDACT__POLICY=policy)
    calls = [call for frame in lines(result.stdout) for call in frame.get("model_calls", ())]
    assert len(calls) == 30
    assert {call["operation"] for call in calls} == {"chat"}
    assert all(len(call["trace_id"]) == 32 for call in calls)
    assert "ada.lovelace" not in result.stdout
    assert ("analytical" in result.stdout) == (policy == "redacted")


def test_cat_shows_what_was_sent_only_if_that_is_said(stopped: Path) -> None:
    result = spanwand(stopped, "journal", "cat", "--raw")
    (span,) = lines(result.stdout)[0]["raw_spans"]
    assert span["attributes"]["user.id"] == "ada.lovelace@example.org"
    assert PROMPT in span["attributes"]["gen_ai.input.messages"]
    assert span["resource"]["service.name"] == "comic-service"
    assert "UNREDACTED" in spanwand(stopped, "journal", "cat", "--help").stdout


def test_verify_says_whole_damaged_and_missing(stopped: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(stopped, tmp_path / "copy")
    shutil.copytree(stopped.with_name("data-keys"), tmp_path / "copy-keys")
    result = spanwand(tmp_path, "journal", "verify", str(copy))
    assert (result.returncode, result.stdout.endswith("in 1 files: whole\n")) == (0, True)
    assert "30 otlp_traces" in result.stdout
    (path,) = (copy / "journal").glob("*.journal")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    for option in ((), ("--without-key",)):
        result = spanwand(tmp_path, "journal", "verify", str(copy), *option)
        assert result.returncode == 1
        assert re.search(r"^damaged: from \d+ to \d+$", result.stdout, re.MULTILINE)
    path.write_bytes(bytes(64) + bytes(data[64:]))
    assert f"damaged: the header of {path.name}\n" in spanwand(tmp_path, "journal", "verify", str(copy)).stdout
    path.write_bytes(bytes(data[:-5]))
    assert "tail: " in spanwand(tmp_path, "journal", "verify", str(copy)).stdout


def test_a_file_that_is_gone_is_told(stopped: Path, tmp_path: Path) -> None:
    """By each command: what a replay lacks must not go unseen."""
    copy = shutil.copytree(stopped, tmp_path / "copy")
    shutil.copytree(stopped.with_name("data-keys"), tmp_path / "copy-keys")
    with daemon(copy, **WINDOW, JOURNAL__SEGMENT_BYTES="4096") as running:
        send(running, 20)
    files = sorted((copy / "journal").glob("*.journal"))
    assert len(files) > 2
    files[1].unlink()
    gap = int(files[1].stem), int(files[2].stem)
    result = spanwand(copy, "journal", "verify")
    assert (result.returncode, f"missing: from {gap[0]} to {gap[1]}\n" in result.stdout) == (1, True)
    damage = [frame for frame in lines(spanwand(copy, "journal", "cat").stdout) if frame["kind"] == "damage"]
    assert damage == [{"kind": "damage", "position": gap[0], "end": gap[1]}]
    result = spanwand(copy, "replay", str(copy), "--sink", "memory", **WINDOW)
    assert (result.returncode, result.stdout.endswith(", unreadable or missing stretches: 1\n")) == (1, True)


def test_a_position_behind_the_end_is_an_error(stopped: Path) -> None:
    for command in (("journal", "cat"), ("replay", str(stopped), "--sink", "memory")):
        result = spanwand(stopped, *command, "--from", "999999999")
        assert result.returncode == 2
        assert re.fullmatch(r"spanwand: position 999999999 is behind the end of journal .*\n", result.stderr)


def test_what_cannot_be_read_is_one_line_and_exit_code_2(stopped: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(stopped, tmp_path / "copy")
    for command in (("journal", "verify"), ("journal", "cat"), ("replay",)):
        result = spanwand(tmp_path, *command, str(copy))
        assert result.returncode == 2
        assert re.fullmatch(r"spanwand: .* is sealed, and .*copy-keys/journal\.key is not there: .*\n", result.stderr)
        result = spanwand(tmp_path, *command, str(tmp_path / "nothing"))
        assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert spanwand(tmp_path, "journal", "verify", str(copy), "--without-key").returncode == 0


def test_a_replay_is_what_was_delivered_every_time(stopped: Path, tmp_path: Path) -> None:
    """P2: the line is a function of the journal. The source stays as it is."""
    before = digests(stopped)
    outs = [tmp_path / "first", tmp_path / "second"]
    for out in outs:
        result = spanwand(stopped, "replay", str(stopped), "--out", str(out), **WINDOW)
        assert result.returncode == 0, result.stderr
        assert re.fullmatch(r"\d+ frames up to \d+: \d+ batches in .*\n", result.stdout)
    first, second = ((out / "jsonl" / "batches.jsonl").read_bytes() for out in outs)
    assert first == second == (stopped / "jsonl" / "batches.jsonl").read_bytes()
    assert digests(stopped) == before
    again = spanwand(stopped, "replay", str(stopped), "--out", str(outs[0]), **WINDOW)
    assert (again.returncode, "is not empty" in again.stderr) == (2, True)


def test_a_copy_is_replayed_from_a_position_into_memory(stopped: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(stopped, tmp_path / "copy")
    keys = {
        "JOURNAL__KEY_FILE": str(stopped.with_name("data-keys") / "journal.key"),
        "REDACT__PSEUDONYM_KEY_FILE": str(stopped / "pseudonym.key"),
    }
    seqs = sorted({line["seq"] for line in updates(stopped)})
    result = spanwand(
        tmp_path, "replay", str(copy / "journal"), "--sink", "memory", "--from", str(seqs[0]), **WINDOW, **keys
    )
    assert result.returncode == 0, result.stderr
    assert f": {len(seqs) - 1} batches\n" in result.stdout


def test_a_replay_into_wandb_stays_offline(stopped: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("replay", str(stopped), "--sink", "wandb", "--out", str(out))
    result = spanwand(stopped, *arguments, WANDB__MODE="online", **WINDOW)
    assert result.returncode == 0, result.stderr
    found = json.loads(spanwand(stopped, "read", str(out), "--json").stdout)
    (run,) = (run for run in found["runs"] if run["job_type"] == "comic-service")
    assert sum(step.get("llm/requests", 0) for step in run["history"]) == 30


def test_all_works_beside_a_running_daemon(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    with daemon(data_dir, **WINDOW) as running:
        send(running, 5)
        assert len(lines(spanwand(data_dir, "journal", "ls", "--json").stdout)) == 1
        assert spanwand(data_dir, "journal", "verify").returncode == 0
        frames = lines(spanwand(data_dir, "journal", "cat").stdout)
        assert sum(frame.get("spans", 0) for frame in frames) == 5
        result = spanwand(data_dir, "replay", str(data_dir), "--out", str(tmp_path / "out"), **WINDOW)
        assert result.returncode == 0, result.stderr
        send(running, 1)
        running.stop()

"""P2, R3, R5: the jsonl sink holds whole batches only, whatever happens to the process or the disk."""

import errno
import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import asdict, replace
from tests.contract.test_sinks import batch, jsonl_lines
from tests.support.online import ALERT

from spanwand.config import LineConfig
from spanwand.errors import ConfigError
from spanwand.outcomes import Delivered, Rejected, Retry
from spanwand.sinks import open_sink
from spanwand.sinks.jsonl import JsonlSink
from spanwand.sinks.jsonl import open_sink as open_jsonl


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[JsonlSink]:
    sink = open_jsonl(LineConfig(), tmp_path)
    yield sink
    sink.close(1)


def seqs(directory: Path) -> list[tuple[object, object]]:
    return [(line["seq"], line["part"]) for line in jsonl_lines(directory)]


def test_a_line_says_everything(sink: JsonlSink, tmp_path: Path) -> None:
    sent = batch(3, "a", "b")
    told = (replace(sent.updates[0], alerts=(ALERT,)), sent.updates[1])
    sink.write(replace(sent, updates=told))
    first, second = jsonl_lines(tmp_path)
    assert (first["seq"], first["part"], first["parts"], second["part"]) == (3, 1, 2, 2)
    assert first["window"] == {"start_ns": 30_000_000_000, "end_ns": 40_000_000_000}
    assert first["run"] == {"entity": "", "project": "", "group": "g", "job_type": "j", "name": "a"}
    assert (first["config"], first["tags"]) == ({"service": "a"}, ["spanwand"])
    assert first["points"] == {"llm/requests": 3, "llm/cost_usd": 0.5}
    rows = first["rows"]
    assert isinstance(rows, dict)
    assert rows["generations"][0]["model"] == "m"
    assert rows["requests"][0]["name"] == "make comic"
    assert (first["alerts"], second["alerts"]) == ([asdict(ALERT)], [])


def test_whatever_a_crash_leaves_of_a_batch_is_cut_off(tmp_path: Path) -> None:
    sink = open_jsonl(LineConfig(), tmp_path)
    sink.write(batch(1, "a", "b"))
    whole = (tmp_path / "batches.jsonl").stat().st_size
    sink.write(batch(2, "a", "b"))
    sink.close(1)
    content = (tmp_path / "batches.jsonl").read_bytes()
    for length in [*range(whole, len(content), 97), len(content) - 1]:
        (tmp_path / "batches.jsonl").write_bytes(content[:length])
        sink = open_jsonl(LineConfig(), tmp_path)
        assert sink.write(batch(1, "a", "b")) == sink.write(batch(2, "a", "b")) == Delivered()
        sink.close(1)
        assert (tmp_path / "batches.jsonl").read_bytes() == content


def test_a_file_of_one_torn_line_starts_afresh(tmp_path: Path) -> None:
    (tmp_path / "batches.jsonl").write_bytes(b'{"seq": 1, "part"')
    sink = open_jsonl(LineConfig(), tmp_path)
    sink.write(batch(1, "a"))
    sink.close(1)
    assert seqs(tmp_path) == [(1, 1)]


def test_a_full_disk_is_a_retry_and_nothing_is_left_of_the_batch(sink: JsonlSink, tmp_path: Path) -> None:
    """R5. The kernel refuses to let the file grow, as it does when the disk is full."""
    sink.write(batch(1, "a"))
    size = (tmp_path / "batches.jsonl").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
    try:
        outcome = sink.write(batch(2, "a"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(outcome, Retry)
    assert os.strerror(errno.EFBIG) in outcome.why
    assert sink.write(batch(2, "a")) == Delivered()
    assert seqs(tmp_path) == [(1, 1), (2, 1)]


def test_text_that_is_no_unicode_is_refused(sink: JsonlSink) -> None:
    assert isinstance(sink.write(batch(1, "\ud800")), Rejected)


def test_files_are_private(tmp_path: Path) -> None:
    """R41."""
    sink = open_jsonl(LineConfig(), tmp_path / "new")
    sink.close(1)
    assert stat.S_IMODE((tmp_path / "new" / "batches.jsonl").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_second_writer_is_refused(sink: JsonlSink, tmp_path: Path) -> None:
    """R9."""
    with pytest.raises(BlockingIOError):
        open_jsonl(LineConfig(), tmp_path)
    assert sink.write(batch(1, "a")) == Delivered()


def test_an_unknown_sink_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no sink 'jsnl'; there are jsonl, memory"):
        open_sink("jsnl", LineConfig(), tmp_path)

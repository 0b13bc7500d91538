"""The file of what W&B refused for good: each thing once, over restarts and torn lines, bounded (R12)."""

import stat
from pathlib import Path

import msgspec

from spanwand.batch import RunKey
from spanwand.sinks.wandb.dead_letters import DeadLetter, DeadLetters

RUN = RunKey(group="g", job_type="j", name="n")


def letter(name: str) -> DeadLetter:
    return DeadLetter(id=name, run=RUN, why="413", table="generations", rows=({"input": "é" * 100},))


def test_a_letter_is_kept_once_also_over_a_restart(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path)
    assert [letters.add(letter(name)) for name in ("a", "b", "a")] == [True, True, False]
    assert [DeadLetters(tmp_path).add(letter(name)) for name in ("b", "c")] == [False, True]
    kept = [msgspec.json.decode(line, type=DeadLetter) for line in letters.path.read_bytes().splitlines()]
    assert kept == [letter("a"), letter("b"), letter("c")]
    assert stat.S_IMODE(letters.path.stat().st_mode) == 0o600


def test_a_line_that_a_crash_left_half_is_written_anew(tmp_path: Path) -> None:
    DeadLetters(tmp_path).add(letter("a"))
    path = DeadLetters(tmp_path).path
    path.write_bytes(path.read_bytes() + b'{"id":"b"')
    assert DeadLetters(tmp_path).add(letter("b"))
    assert [msgspec.json.decode(line)["id"] for line in path.read_bytes().splitlines()] == ["a", "b"]


def test_a_full_file_takes_no_more_but_each_still_counts_once(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, max_bytes=700)
    assert [letters.add(letter(name)) for name in ("a", "b", "c", "c")] == [True, True, True, False]
    assert letters.path.stat().st_size <= 700

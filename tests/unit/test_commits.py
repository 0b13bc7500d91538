"""The commit record: whose progress holds the journal back, and what becomes of it when the journal is gone."""

from pathlib import Path

import pytest

from spanwand_sidecar.commits import Commit, Commits
from spanwand_sidecar.errors import CannotStart

END = 1_000


@pytest.fixture
def commits(tmp_path: Path) -> Commits:
    return Commits(tmp_path / "commits.json", ["sink"], END, lambda _: None)


def test_absent_sinks_keep_their_place_but_hold_nothing_back(tmp_path: Path, commits: Commits) -> None:
    commits.advance("sink", Commit(20, 15))
    lows: list[int] = []
    others = Commits(tmp_path / "commits.json", ["other"], END, lows.append)
    assert others.low == 0
    others.advance("other", Commit(40, 40))
    assert lows == [40]
    assert Commits(tmp_path / "commits.json", ["sink"], END, lows.append)["sink"] == Commit(20, 15)


def test_progress_of_a_journal_that_is_gone_is_forgotten(tmp_path: Path, commits: Commits) -> None:
    commits.advance("sink", Commit(20, 15))
    assert Commits(tmp_path / "commits.json", ["sink"], 10, lambda _: None)["sink"] == Commit()


def test_a_damaged_record_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "commits.json").write_bytes(b'{"sink": {"seq":')
    with pytest.raises(CannotStart, match="damaged"):
        Commits(tmp_path / "commits.json", ["sink"], END, lambda _: None)

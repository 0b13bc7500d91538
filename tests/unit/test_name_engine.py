"""The process that looks for names: what it may not do, how it fails, and goes on (P6, R34, issue 5 item 1)."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.support import name_engine
from tests.support.daemon import until

from spanwand.batch import Batch, RunKey, RunUpdate
from spanwand.drops import DropReason
from spanwand.errors import ConfigError
from spanwand.redact_config import PresidioConfig
from spanwand.tables import GENERATIONS, Column, Type
from spanwand_sidecar.names.engine import Engine, EngineFailed, proved
from spanwand_sidecar.names.rows import CleanRows
from spanwand_sidecar.names.step import Names

CONFIG = PresidioConfig(model="m", timeout_s=60, budget_s=120)
TABLES = {GENERATIONS: (Column("input", Type.TEXT, "", is_said=True),)}
RUN = RunKey(group="g", job_type="j", name="n")
HANG_S = 60.0


def batch(*texts: str, seq: int = 1) -> Batch:
    rows = {GENERATIONS: tuple((text,) for text in texts)}
    return Batch(seq=seq, low=0, start_ns=0, end_ns=1, updates=(RunUpdate(run=RUN, config={}, points={}, rows=rows),))


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine([sys.executable, str(Path(name_engine.__file__)), "{}"])
    yield made
    made.close()


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "name_engine" in " ".join(child.cmdline())]


def test_a_process_finds(engine: Engine) -> None:
    assert engine(["Jane Doe in Berlin", "é", ""], HANG_S) == (((0, 8, "PERSON"), (12, 18, "LOCATION")), (), ())
    long = "Jane Doe " * 2_000
    assert len(engine([long], HANG_S)[0]) == 2_000


@pytest.mark.parametrize("said", ["die", "raise", "nonsense", "download"])
def test_after_a_failure_it_goes_on(engine: Engine, said: str) -> None:
    """P6: whatever happens in there happens to one row. It cannot reach a network, so it can download nothing."""
    clean = CleanRows(engine, TABLES, CONFIG)(batch("Jane Doe", f"{said} Jane Doe", "John Smith"))
    assert clean.updates[0].rows[GENERATIONS] == (("[person]",), ("[removed]",), ("[person]",))
    assert len(children()) == 1


def test_a_hang_ends_with_its_process(engine: Engine) -> None:
    """P6: nothing piles up that hangs."""
    for _ in range(2):
        assert engine(["Jane Doe"], HANG_S) == (((0, 8, "PERSON"),),)
        with pytest.raises(TimeoutError):
            engine(["hang"], 0.2)
        assert not children()


def test_a_model_that_loads_longer_than_a_row_may_take(tmp_path: Path) -> None:
    """It is waited for again, not begun anew each time."""
    loaded = tmp_path / "loaded"
    engine = Engine([sys.executable, str(Path(name_engine.__file__)), "{}", str(loaded)])
    with pytest.raises(TimeoutError):
        engine(["Jane Doe"], 0.1)
    (child,) = children()
    loaded.touch()
    assert engine(["Jane Doe"], HANG_S) == (((0, 8, "PERSON"),),)
    assert children() == [child]
    engine.close()


def test_why_it_failed_is_told_by_type(engine: Engine) -> None:
    with pytest.raises(EngineFailed, match=r"^RuntimeError$"):
        engine(["raise: I am Jane Doe"], HANG_S)
    with pytest.raises(EngineFailed, match=r"^PermissionError$"):
        engine(["download"], HANG_S)


def test_it_has_no_secrets_of_the_daemon(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """R34."""
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert engine(["environment"], HANG_S) == (((0, 1, "WANDB_MODE"),),)


def test_it_has_to_find_somebody_before_anything_starts(engine: Engine) -> None:
    """P6: a canary self-test, as for patterns."""
    assert proved(engine, ["PERSON", "LOCATION", "DATE_TIME"], HANG_S) is engine
    engine.close()
    blind = Engine([sys.executable, "-c", "import sys; from spanwand_sidecar.names.serve import serve\n"
                    "serve(int(sys.argv[1]), lambda: lambda text: [])", "{}"])  # fmt: skip
    with pytest.raises(ConfigError, match="finds no LOCATION and no PERSON in its self-test"):
        proved(blind, ["PERSON", "LOCATION"], HANG_S)
    missing = Engine([sys.executable, "-c", "import sys; from spanwand_sidecar.names.serve import serve\n"
                      "serve(int(sys.argv[1]), lambda: open('/none'))", "{}"])  # fmt: skip
    with pytest.raises(ConfigError, match=r"redact\.presidio: FileNotFoundError"):
        proved(missing, ["PERSON"], HANG_S)
    with pytest.raises(ConfigError, match=r"redact\.presidio: its process has ended"):
        proved(Engine([sys.executable, "-c", ""]), ["PERSON"], HANG_S)


class Taker:
    """Has everything up to a position already."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self.taken: list[Batch] = []

    def wants(self, batch: Batch) -> bool:
        return batch.seq > self.seq

    def put(self, batch: Batch) -> None:
        self.taken.append(batch)


def test_a_bug_neither_stops_the_line_nor_lets_rows_leave(engine: Engine) -> None:
    taker = Taker(0)
    names = Names(engine, CleanRows(engine, {}, CONFIG))
    names.start([taker])
    names.put(batch("Jane Doe", "John Smith"))
    names.finish(time.monotonic() + HANG_S)
    (left,) = taker.taken
    assert left.updates[0].rows == {}
    assert names.drops == {DropReason.REDACTION_FAILED: 2}


def test_each_batch_is_looked_through_once_for_all(engine: Engine) -> None:
    """In order; one that all have, after a restart, is not looked through at all. A retry has the same rows."""
    looked: list[int] = []

    class Counting(CleanRows):
        def __call__(self, batch: Batch) -> Batch:
            looked.append(batch.seq)
            return super().__call__(batch)

    takers = [Taker(1), Taker(2)]
    names = Names(engine, Counting(engine, TABLES, CONFIG))
    names.start(takers)
    for seq in range(1, 6):
        names.put(batch("Jane Doe", seq=seq))
    names.finish(time.monotonic() + HANG_S)
    until(lambda: not children())
    assert looked == [2, 3, 4, 5]
    assert takers[0].taken == takers[1].taken
    assert all(one is other for one, other in zip(takers[0].taken, takers[1].taken, strict=True))
    assert "Jane" not in repr(takers[0].taken)

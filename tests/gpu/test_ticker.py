"""P9: the thread that reads GPUs: what goes wrong is a state with a reason, and it recovers by itself."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.support.daemon import until

from spanwand.gpu.reader import GpuReader, GpuUnavailable
from spanwand.gpu_sample import GpuSample, decode
from spanwand_sidecar.gpu import ticker as ticking
from spanwand_sidecar.gpu.ticker import Ticker
from spanwand_sidecar.journal import JournalFull

GPU = GpuSample(time_ns=1, uuid="GPU-0", index="0", name="A")
LOST = GpuSample(time_ns=1, uuid="GPU-1", index="1", trouble="GPU is lost")


class Driver:
    """What a driver does next: samples, an error, or a wait for `released`."""

    def __init__(self) -> None:
        self.answer: Callable[[], list[GpuSample]] = lambda: [GPU]
        self.opened = 0
        self.closed = 0

    def open(self) -> GpuReader:
        self.opened += 1
        return self

    def read(self) -> list[GpuSample]:
        return self.answer()

    def close(self) -> None:
        self.closed += 1


def failing(error: Exception) -> Callable[[], list[GpuSample]]:
    def fail() -> list[GpuSample]:
        raise error

    return fail


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    monkeypatch.setattr(ticking, "HUNG_S", 0.05)
    monkeypatch.setattr(ticking, "FIRST_RETRY_S", 0.02)
    monkeypatch.setattr(ticking, "FRAME_S", 0.05)
    return Driver()


@contextmanager
def reading(driver: Driver, bodies: list[bytes], write: Callable[[bytes], None] | None = None) -> Iterator[Ticker]:
    ticker = Ticker(driver.open, 0.01, write or bodies.append, lambda: True)
    ticker.start()
    try:
        yield ticker
    finally:
        ticker.stop()


def test_readings_go_into_the_journal_a_few_at_a_time(driver: Driver) -> None:
    bodies: list[bytes] = []
    with reading(driver, bodies) as ticker:
        until(lambda: len(bodies) >= 2)
        assert (ticker.status.state, ticker.status.devices) == ("reading", (GPU,))
    stored = [sample for body in bodies for sample in decode(body)]
    assert stored == [GPU] * ticker.status.readings  # what was left came with the stop
    assert len(bodies) < len(stored)
    assert (driver.opened, driver.closed) == (1, 1)


def test_nobody_waits_for_readings_at_rest(driver: Driver) -> None:
    bodies: list[bytes] = []
    ticker = Ticker(driver.open, 0.001, bodies.append, lambda: False)
    ticker.start()
    until(lambda: ticker.status.readings > 20)
    assert [len(decode(body)) for body in bodies] == [1]  # the first, at once
    ticker.stop()
    assert len(bodies) == 2


@pytest.mark.parametrize(
    ("error", "state", "why"),
    [
        (GpuUnavailable("RM has detected a mismatch"), "unavailable", "RM has detected a mismatch"),
        (ValueError("of ctypes"), "unavailable", "ValueError: of ctypes"),
    ],
)
def test_a_driver_that_fails_is_opened_again(driver: Driver, error: Exception, state: str, why: str) -> None:
    with reading(driver, []) as ticker:
        until(lambda: ticker.status.state == "reading")
        driver.answer = failing(error)
        until(lambda: ticker.status.state == state)
        assert (ticker.status.why, ticker.status.devices) == (why, ())
        driver.answer = lambda: [GPU]
        until(lambda: ticker.status.state == "reading")
        assert driver.opened >= 2


def test_where_there_is_no_gpu_it_is_seldom_looked_for_one(driver: Driver) -> None:
    driver.answer = failing(GpuUnavailable("no GPU: NVML's library is not found", is_absent=True))
    with reading(driver, []) as ticker:
        until(lambda: ticker.status.state == "none")
        assert ticker.status.why == "no GPU: NVML's library is not found"
    assert driver.opened == 1


def test_a_driver_that_hangs_is_waited_for_and_asked_nothing_else(driver: Driver) -> None:
    released = threading.Event()
    calls = []

    def hang() -> list[GpuSample]:
        calls.append(1)
        released.wait(20)
        return [GPU]

    driver.answer = hang
    with reading(driver, []) as ticker:
        until(lambda: ticker.status.state == "hung")
        assert "has not answered" in ticker.status.why
        assert len(calls) == 1
        released.set()
        until(lambda: ticker.status.state == "reading")


def test_a_stop_does_not_wait_for_a_driver_that_hangs(driver: Driver) -> None:
    released = threading.Event()
    driver.answer = lambda: [GPU] if released.wait(20) else []
    with reading(driver, []) as ticker:
        until(lambda: ticker.status.state == "hung")
    assert driver.closed == 0
    released.set()


def test_a_lost_device_is_looked_for_while_the_others_are_read(driver: Driver) -> None:
    driver.answer = lambda: [GPU, LOST]
    with reading(driver, []) as ticker:
        until(lambda: driver.opened >= 3 and ticker.status.readings > 5)
        assert (ticker.status.state, ticker.status.why) == ("reading", "GPU 1: GPU is lost")
        driver.answer = lambda: [GPU]
        until(lambda: ticker.status.why == "")


def test_a_device_that_is_gone_is_looked_for_and_read_again(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """P9: the driver shows it again only to who opens it anew."""
    monkeypatch.setattr(ticking, "ABSENT_RETRY_S", 0.02)
    other = GpuSample(time_ns=1, uuid="GPU-1", index="1", name="A")
    driver.answer = lambda: [GPU, other]
    with reading(driver, []) as ticker:
        until(lambda: len(ticker.status.devices) == 2)
        driver.answer = lambda: [GPU]
        until(lambda: ticker.status.why == "GPU 1: not there any more")
        opened = driver.opened
        until(lambda: driver.opened > opened + 1)
        assert ticker.status.devices == (GPU,)
        driver.answer = lambda: [GPU, other]
        until(lambda: ticker.status.why == "" and len(ticker.status.devices) == 2)


def test_readings_that_the_journal_refuses_are_counted(driver: Driver) -> None:
    def refuse(body: bytes) -> None:
        raise JournalFull("the journal is full")

    with reading(driver, [], refuse) as ticker:
        until(lambda: ticker.status.refused >= 2)
        assert ticker.status.state == "reading"

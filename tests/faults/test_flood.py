"""R24, R25: more than it can take. It sheds with codes that senders retry, and keeps its memory and its sums."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import grpc
import msgspec
import pytest

from tests.faults.kill_rounds import account
from tests.faults.limits import cpu_share
from tests.faults.otlp import EXPORT, request
from tests.faults.senders import OK, Load, Senders
from tests.faults.targets import Spanwand, peak_rss_mib
from tests.support.daemon import RunningDaemon, until

MAX_RSS_MIB = 256
REFUSED = "UNAVAILABLE+retry"
CPU_SHARE = 0.3
"""Of one core, for the daemon: so that its senders have what they need to send more than it can take."""
PROMPT, MAX_SPANS = 40_000, 5
"""Characters of each span, spans of a request: far more work to redact than to receive, so the line falls behind."""
RETRY_S = 1.0
"""What the daemon tells those to wait that it refuses."""
FULL_S = 120.0
RECOVERED = 5
"""So many requests of a sender of little are taken again."""
Report = Callable[[str], None]


class Rates(NamedTuple):
    """What gets through the line, and what is sent, refused or not."""

    bytes_per_s: float
    spans_per_s: float


class Overload(NamedTuple):
    """What came of it. `goodput` and `offered` are shares of what the line can do."""

    goodput: float
    offered: float
    recovery_s: float


def behind(directory: Path, journal_bytes: int) -> Spanwand:
    """A daemon whose line cannot keep up. Its journal has to hold more than what waits for its window to end."""
    return Spanwand(
        directory,
        "jsonl",
        JOURNAL__MAX_BYTES=str(journal_bytes),
        JOURNAL__SEGMENT_BYTES="1000000",
        DEDUPLICATE__MAX_JOURNAL_BYTES="1000000",
        GATHER__HOLD_S="0.5",
        REDACT__POLICY="redacted",
    )


def rates(running: RunningDaemon, senders: Senders, seconds: float) -> Rates:
    """Over `seconds`, once the journal is full."""
    until(lambda: senders.codes()[REFUSED], FULL_S)
    before, sent, begun_s = running.status().line.position, senders.spans(), time.monotonic()
    time.sleep(seconds)
    after, took_s = running.status().line.position, time.monotonic() - begun_s
    return Rates((after - before) / took_s, (senders.spans() - sent) / took_s)


def recovery_s(light: Senders) -> float:
    """How long it takes until requests are taken again."""
    taken, begun_s = light.codes()[OK], time.monotonic()
    until(lambda: light.codes()[OK] >= taken + RECOVERED, 60)
    return time.monotonic() - begun_s


def overload(target: Spanwand, directory: Path, seconds: float, report: Report) -> Overload:
    """Fill the journal with senders that obey, which shows what the line can do; then send twice that, come what may.

    All that was acknowledged comes out, once.
    """
    senders = partial(Senders, directory=directory / "senders")
    load = Load(address=target.address, max_spans=MAX_SPANS, prompt=PROMPT, retry_s=RETRY_S)
    light = msgspec.structs.replace(load, prompt=0, in_flight=1, max_spans=1, spans_per_s=10)
    with target, cpu_share((running := target.running()).process.pid, CPU_SHARE), senders(light, count=1) as third:
        with senders(load, first=10) as first:
            capacity = rates(running, first, seconds).bytes_per_s
        spans_per_s = capacity / len(request(1, 1, 1, prompt=PROMPT))
        twice = msgspec.structs.replace(load, in_flight=16, obeys=False, spans_per_s=spans_per_s)
        with senders(twice, first=20) as second:
            found = rates(running, second, seconds)
        result = Overload(found.bytes_per_s / capacity, found.spans_per_s / spans_per_s, recovery_s(third))
        peak = peak_rss_mib(running.process.pid)
        third.stop()
        target.drain()
    check((first, second, third), target, peak)
    codes = dict(first.codes() + second.codes() + third.codes())
    report(
        f"R24 {result.offered:.1f} times what it can do ({capacity / 1000:,.0f} kB/s): goodput {result.goodput:.0%}, "
        f"recovers in {result.recovery_s:.1f} s, peak RSS {peak:.0f} MiB, {codes}; lost 0, double-counted 0"
    )
    return result


def check(senders: Iterable[Senders], target: Spanwand, peak_mib: float) -> None:
    """Answers were right, all that was acknowledged came out once, in bounded memory."""
    assert set(sum((each.codes() for each in senders), Counter())) == {OK, REFUSED}
    found = account(set().union(*(each.acknowledged() for each in senders)), 0, target.delivered())
    assert (found.lost, found.doubled, found.miscounted, found.miscounted_tokens) == (0, 0, 0, 0)
    assert peak_mib < MAX_RSS_MIB


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_overload_sheds_and_keeps_its_word(tmp_path: Path, report: Report) -> None:
    overload(behind(tmp_path, 8_000_000), tmp_path, 3, report)


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_goodput_at_twice_the_load(tmp_path: Path, report: Report) -> None:
    result = overload(behind(tmp_path, 20_000_000), tmp_path, 30, report)
    assert result.goodput >= 0.9
    assert result.recovery_s <= 5


def send_all(target: Spanwand, bodies: Iterable[bytes]) -> None:
    """One after the other; each must be acknowledged."""
    with grpc.insecure_channel(target.running().endpoints.grpc[0]) as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)
        for body in bodies:
            export(body, timeout=10)


@pytest.mark.slow
def test_20_000_models(tmp_path: Path, report: Report) -> None:
    many_models(tmp_path, 20_000, report)


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_200_000_models(tmp_path: Path, report: Report) -> None:
    many_models(tmp_path, 200_000, report)


def many_models(directory: Path, models: int, report: Report) -> None:
    """R25: the series are capped, what is over the cap is summed exactly, and memory is bounded."""
    spans = 500
    with Spanwand(directory, "jsonl", AGGREGATE__WINDOW_S="5", SAMPLE__RATIO="0.001") as target:
        send_all(target, (request(1, number, spans, models=models) for number in range(1, models // spans + 1)))
        peak = peak_rss_mib(target.running().process.pid)
        target.drain()
    totals: Counter[str] = Counter()
    for step in (step for run in target.runs() for step in run.history):
        names = {key for key in step if key.startswith("llm/by_model/") and key.endswith("/requests")}
        assert len(names) <= 51
        totals.update({"all": step.get("llm/requests", 0), "by model": sum(step[name] for name in names)})
        totals["other"] += step.get("llm/by_model/other/requests", 0)
    report(f"R25 {models:,} models: {totals['other']:,} summed as other, none missing, peak RSS {peak:.0f} MiB")
    assert totals["all"] == totals["by model"] == models
    assert peak < MAX_RSS_MIB

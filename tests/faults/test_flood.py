"""R24, R25: more than it can take. It sheds with codes that senders retry, and keeps its memory and its sums."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import grpc
import msgspec
import pytest

from tests.faults.kill_rounds import account
from tests.faults.limits import cpu_share
from tests.faults.otlp import EXPORT, keys, request
from tests.faults.senders import OK, Load, Senders
from tests.faults.targets import Spanwand, peak_rss_mib
from tests.support.daemon import until

MAX_RSS_MIB = 256
REFUSED = "UNAVAILABLE+retry"
SMALL = {
    "JOURNAL__MAX_BYTES": "6000000",
    "JOURNAL__SEGMENT_BYTES": "100000",
    "DEDUPLICATE__MAX_JOURNAL_BYTES": "100000",
}
CPU_SHARE = 0.3
"""Of one core, for the daemon: so that its senders have what they need to send more than it can take."""
PROBE = 999
"""The sender of one request that is tried until it is taken."""
WARM_UP_S = 3.0
Report = Callable[[str], None]


def goodput(target: Spanwand, senders: Senders, seconds: float) -> float:
    """Bytes a second that get through the line once `senders` have pushed for a while."""
    running = target.running()
    with senders:
        time.sleep(WARM_UP_S)
        before, begun_s = running.status().line.position, time.monotonic()
        time.sleep(seconds)
        return (running.status().line.position - before) / (time.monotonic() - begun_s)


def overload(target: Spanwand, directory: Path, seconds: float, report: Report) -> float:
    """What gets through with twice the senders, which do not pause when refused, as a share of what does without."""
    polite = Load(address=target.address, max_spans=60)
    rude = msgspec.structs.replace(polite, in_flight=8, obeys=False)
    with target, cpu_share((running := target.running()).process.pid, CPU_SHARE):
        once = goodput(target, first := Senders(polite, directory / "senders", count=2), seconds)
        twice = goodput(target, second := Senders(rude, directory / "senders", count=2, first=5), seconds)
        begun_s = time.monotonic()
        until(lambda: answer(target, request(PROBE, 1, 1)) is grpc.StatusCode.OK, 30)
        recovered_s = time.monotonic() - begun_s
        peak = peak_rss_mib(running.process.pid)
        target.drain()
    found = account({*first.acknowledged(), *second.acknowledged(), *keys(PROBE, 1, 1)}, 0, target.delivered())
    codes = first.codes() + second.codes()
    report(
        f"R24 overload: goodput {twice / once:.0%} of capacity ({once / 1000:,.0f} kB/s), "
        f"recovers in {recovered_s:.1f} s, peak RSS {peak:.0f} MiB, {dict(codes)}; {found}"
    )
    assert set(codes) <= {OK, REFUSED}
    assert (found.lost, found.doubled, found.miscounted, found.miscounted_tokens) == (0, 0, 0, 0)
    assert peak < MAX_RSS_MIB
    return twice / once


def answer(target: Spanwand, body: bytes) -> grpc.StatusCode:
    with grpc.insecure_channel(target.address) as channel:
        export: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(EXPORT)
        code: grpc.StatusCode = export.future(body, timeout=5).code()
        return code


@pytest.mark.slow
def test_overload_sheds_and_keeps_its_word(tmp_path: Path, report: Report) -> None:
    overload(Spanwand(tmp_path, "jsonl", **SMALL), tmp_path, 3, report)


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_goodput_at_twice_the_load(tmp_path: Path, report: Report) -> None:
    assert overload(Spanwand(tmp_path, "jsonl", **SMALL), tmp_path, 30, report) >= 0.9


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

"""P9: shares of GPUs where not all is known: late readings, long calls, other clocks, devices that say less."""

from typing import Any

import pytest
from tests.support.gpu_line import TEN_SECONDS, GpuLine, configured, one, shares

from spanwand.config import DeduplicateConfig, LineConfig


def test_of_a_call_longer_than_readings_are_kept_the_rest_is_divided() -> None:
    """What it used before that is nobody's, and the uncertainty says so."""
    line = GpuLine(configured(horizon_s=60))
    line.reads(0)
    line.called(0, 0, {"diffusion.device": "cpu"})  # who lives hears of GPUs
    line.reads(*range(10, 260, 10))
    line.called(0, 250)
    share = one(line, 280, of=2)
    assert 60 <= share["seconds"] <= 80
    assert share["joules"] == share["seconds"] * 100
    assert 0.6 < share["uncertainty"] < 1
    assert line.totals["gpu/0/unattributed_s"] + share["seconds"] == 250


def test_a_video_of_ten_minutes_alone_gets_all_that_was_used() -> None:
    """P9: longer than its trace is held and than single readings are kept. Only its edges are between windows."""
    line = GpuLine()
    line.reads(*range(-20, 700))
    line.called(33, 640, arrival_s=700)
    share = one(line, 730)
    assert share["seconds"] == pytest.approx(607)
    assert share["joules"] == pytest.approx(60_700)
    assert share["uncertainty"] < 0.02


def test_of_the_time_of_others_a_long_call_gets_the_rest() -> None:
    """They were decided long before it came, and keep what they have; together it is what was counted."""
    line = GpuLine()
    line.called(0, 0, {"diffusion.device": "cpu"})
    for second in range(900):
        line.reads(second)
        if second % 30 == 20:
            line.called(second - 10, second)
    line.called(0, 899)
    rows = [row for row in line.ends(960)["generations"] if row["gpu_seconds"] is not None]
    *chats, video = sorted(rows, key=lambda row: float(row["latency_s"]))
    assert [chat["gpu_seconds"] for chat in chats] == [10.0] * 30
    assert video["gpu_seconds"] == pytest.approx(899 - 300)
    assert video["gpu_joules"] == pytest.approx(59_900)
    assert video["gpu_uncertainty"] > 0.3
    assert line.totals["gpu/0/attributed_j"] + line.totals["gpu/0/unattributed_j"] == pytest.approx(89_900)


def test_a_window_has_so_many_readings_and_what_is_over_is_counted() -> None:
    line = GpuLine()
    line.reads(*(number / 1_000 for number in range(2_101)))
    line.called(0, 2)
    assert line.ends(60)["generations"][0]["gpu_joules"] == pytest.approx(200)
    assert line.totals["spanwand/dropped/gpu_overflow"] == 100
    assert line.totals["gpu/0/attributed_j"] + line.totals["gpu/0/unattributed_j"] == pytest.approx(210)


def test_what_is_sent_again_and_not_known_for_it_keeps_nothing_from_others() -> None:
    line = GpuLine(LineConfig(deduplicate=DeduplicateConfig(window_s=0)))
    line.reads(*TEN_SECONDS)
    for _ in range(2):
        line.called(2, 6, arrival_s=10, trace_id=b"t" * 16, span_id=b"s" * 8)
    line.waits(20)
    line.called(4, 8, arrival_s=21)
    line.waits(30)
    assert not line.waits_for_shares
    assert sum(joules or 0 for _, joules in shares(line)) == pytest.approx(600)


@pytest.mark.parametrize(("ahead_s", "uncertainty"), [(0, 0.0), (1, 0.25), (60, 1.0)])
def test_a_clock_that_is_ahead_is_put_right_as_far_as_is_known(ahead_s: float, uncertainty: float) -> None:
    """No call ends after it has arrived; how long before, nobody knows, and the uncertainty says so."""
    line = GpuLine()
    line.reads(*TEN_SECONDS)
    line.called(6 + ahead_s, 10 + ahead_s, arrival_s=10)
    share = one(line)
    assert (share["seconds"], share["joules"], share["uncertainty"]) == (4.0, 400.0, uncertainty)


@pytest.mark.parametrize(("energy_mj", "joules"), [(0, 600.0), (600_000_000, 600.0)])
def test_a_counter_that_says_nonsense_once_gives_nobody_what_it_ever_counted(energy_mj: int, joules: float) -> None:
    """P9. Of the second in which it began anew nothing is known; power is none that a device could draw."""
    line = GpuLine()
    for second in TEN_SECONDS:
        counted = 5_000_000_000 + second * 100_000
        line.reads(second, energy_mj=energy_mj if second == 5 else counted)
    line.called(2, 9, arrival_s=10)
    share = one(line)
    assert share["joules"] <= joules
    assert share["uncertainty"] >= 1 / 7


def test_readings_that_come_after_the_call_count_too() -> None:
    line = GpuLine()
    line.reads(*range(5))
    line.called(2, 4.5)
    line.called(3, 4.5)
    line.reads(5, 6)
    assert shares(line) == [(pytest.approx(1.75), pytest.approx(175)), (pytest.approx(0.75), pytest.approx(75))]


@pytest.mark.parametrize(
    ("fields", "seconds", "joules", "uncertainty"),
    [
        ({"energy_mj": None}, 4.0, None, 1.0),  # not known is not 0
        ({"energy_mj": None, "power_w": 50.0}, 4.0, 200.0, 1.0),  # power between readings, integrated
        ({"sharing": "time-sliced"}, 4.0, 400.0, 1.0),  # the work of other pods is in it
        ({"sharing": "mig", "energy_mj": None, "index": "0.1"}, 4.0, None, 1.0),
    ],
)
def test_figures_that_say_less(
    fields: dict[str, Any], seconds: float, joules: float | None, uncertainty: float
) -> None:
    line = GpuLine()
    for second in TEN_SECONDS:
        line.reads(second, **fields)
    line.called(2, 6, arrival_s=10)
    share = one(line)
    assert (share["seconds"], share["joules"], share["uncertainty"]) == (seconds, joules, uncertainty)

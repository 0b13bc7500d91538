"""P9: which call used the GPUs: seconds, joules, memory, method, devices and uncertainty of each."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.gpu_line import GpuLine

from spanwand.config import AttributionConfig, DeduplicateConfig, GpuConfig, LineConfig, PriceConfig
from spanwand.span import AttributeValue

TEN_SECONDS = range(11)
ENGINE: dict[str, AttributeValue] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.latency.time_in_queue": 3.0,
    "gen_ai.latency.time_in_model_inference": 2.0,
}
PHASES: dict[str, AttributeValue] = {
    "diffusion.queue_duration": 1.0,
    "diffusion.text_encode_duration": 0.5,
    "diffusion.denoise_duration": 2.0,
    "diffusion.decode_duration": 0.5,
}


def configured(prices: str = "", **attribution: Any) -> LineConfig:
    gpu = GpuConfig(attribution=AttributionConfig(**attribution))
    return LineConfig(gpu=gpu, price=PriceConfig(file=prices))


def shares(line: GpuLine, at_s: float = 60) -> list[tuple[Any, Any]]:
    """Seconds and joules of each call, in the order in which they came."""
    rows = sorted(line.ends(at_s)["generations"], key=lambda row: str(row["span_id"]))
    return [(row["gpu_seconds"], row["gpu_joules"]) for row in rows]


def one(line: GpuLine, at_s: float = 60, of: int = 1) -> dict[str, Any]:
    """The share of the only call, or of the last one of so many."""
    *others, row = line.ends(at_s)["generations"]
    assert len(others) == of - 1
    return {name.removeprefix("gpu_"): cell for name, cell in row.items() if name.startswith("gpu_")}


def test_a_call_alone_gets_all_of_its_time() -> None:
    line = GpuLine()
    line.reads(*TEN_SECONDS, utilization=0.5, memory_used_bytes=7)
    line.called(2, 6, arrival_s=10)
    assert one(line) == {
        "seconds": 4.0,
        "joules": 400.0,
        "method": "overlap",
        "devices": "0",
        "uncertainty": 0.0,
        "memory_peak_bytes": 7,
        "memory_mean_bytes": 7.0,
        "utilization": 0.5,
        "cost_usd": None,
        "co2e_g": None,
    }
    assert line.totals["gpu/0/attributed_j"] == line.totals["diffusion/gpu_joules"] == 400
    assert (line.totals["gpu/0/unattributed_s"], line.totals["gpu/0/unattributed_j"]) == (6, 600)


def test_calls_at_the_same_time_share() -> None:
    """Each has two seconds for itself and half of the two in between, whichever comes first."""
    line = GpuLine()
    line.reads(*TEN_SECONDS)
    line.called(4, 8, arrival_s=10)
    line.called(2, 6, arrival_s=10)
    assert shares(line) == [(3.0, 300.0), (3.0, 300.0)]


def test_ten_at_once_use_no_more_than_the_device() -> None:
    """A2, P9: ten images in four seconds took four seconds of the GPU, not forty."""
    line = GpuLine()
    line.reads(*TEN_SECONDS)
    for _ in range(10):
        line.called(2, 6, arrival_s=10)
    assert shares(line) == [(pytest.approx(0.4), pytest.approx(40))] * 10


@pytest.mark.parametrize(
    ("window", "attributes", "method", "joules"),
    [
        ((1, 8), ENGINE, "engine", 200.0),  # from second 4 to 6
        ((1, 8), ENGINE | {"gen_ai.latency.time_in_model_inference": 99.0}, "engine", 700.0),  # no more than it took
        ((1, 8), PHASES, "in_process", 300.0),  # from second 2 to 5
        ((1, 8), {"diffusion.queue_duration": 5.0}, "overlap", 200.0),
        ((2, 6), {"gen_ai.provider.name": "openai", "spanwand.gpu": "0"}, "overlap", 400.0),
    ],
)
def test_what_says_when_a_call_was_on_the_gpu(
    window: tuple[float, float], attributes: dict[str, AttributeValue], method: str, joules: float
) -> None:
    """Phases of an engine go before those of a pipeline, these before the span; nobody's queue counts."""
    line = GpuLine()
    line.reads(*TEN_SECONDS)
    line.called(*window, attributes, arrival_s=10)
    share = one(line)
    assert (share["method"], share["joules"]) == (method, pytest.approx(joules))


@pytest.mark.parametrize(
    ("attributes", "resource", "devices", "joules"),
    [
        ({}, {}, "0,1", 1_200.0),  # all of the pod
        ({"spanwand.gpu": "1"}, {}, "1", 800.0),
        ({"hw.id": ["GPU-1"]}, {}, "1", 800.0),
        ({"diffusion.device": "cuda:0"}, {"process.environment_variable.CUDA_VISIBLE_DEVICES": "1,0"}, "1", 800.0),
        ({}, {"process.environment_variable.CUDA_VISIBLE_DEVICES": "0"}, "0", 400.0),
        ({"diffusion.device": ["cuda:0", "cuda:1"]}, {}, "0,1", 1_200.0),
        ({"diffusion.device": "cpu"}, {}, None, None),
        ({"spanwand.gpu": "7"}, {}, None, None),
        ({"gen_ai.provider.name": "openai"}, {}, None, None),  # it ran elsewhere
        ({"gen_ai.operation.name": "execute_tool"}, {}, None, None),
    ],
)
def test_which_gpus(
    attributes: dict[str, AttributeValue], resource: dict[str, str], devices: str | None, joules: float | None
) -> None:
    line = GpuLine()
    for second in TEN_SECONDS:
        line.reads(second)
        line.reads(second, uuid="GPU-1", index="1", watts=200)
    line.called(2, 6, attributes, arrival_s=10, resource=resource)
    rows = line.ends(60)["generations"]
    assert [(row["gpu_devices"], row["gpu_joules"]) for row in rows if row["operation"] == "image_generation"] == (
        [(devices, joules)] if attributes.get("gen_ai.operation.name") is None else []
    )


def test_several_gpus_of_which_none_is_named_are_a_guess() -> None:
    line = GpuLine()
    for second in TEN_SECONDS:
        line.reads(second)
        line.reads(second, uuid="GPU-1", index="1")
    line.called(2, 6, arrival_s=10)
    assert one(line)["uncertainty"] == 1


def test_who_comes_late_takes_what_is_left() -> None:
    """The first was decided before anybody knew of the second."""
    line = GpuLine()
    line.reads(*TEN_SECONDS)
    line.called(2, 6, arrival_s=10)
    line.waits(20)
    line.called(4, 8, arrival_s=21)
    assert shares(line) == [(4.0, 400.0), (2.0, 200.0)]


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


def test_a_window_has_so_many_readings_and_what_is_over_is_counted() -> None:
    line = GpuLine()
    line.reads(*(number / 1_000 for number in range(2_101)))
    line.called(0, 2)
    assert line.ends(60)["generations"][0]["gpu_joules"] == pytest.approx(200)
    assert line.totals["spanwand/dropped/gpu_overflow"] == 100
    assert line.totals["gpu/0/attributed_j"] + line.totals["gpu/0/unattributed_j"] == pytest.approx(210)


def test_without_gpus_nothing_is_said() -> None:
    line = GpuLine()
    line.called(2, 6)
    assert shares(line) == [(None, None)]


def test_gpu_hours_are_the_price_of_what_has_no_other(tmp_path: Path) -> None:
    """P5, P9: and the energy is CO2 where a factor is configured."""
    prices = tmp_path / "prices.yaml"
    prices.write_text("gpus:\n- gpus: ['Scripted*']\n  usd_per_hour: 3.6\n")
    line = GpuLine(configured(prices=str(prices), grid_gco2e_per_kwh=360))
    line.reads(*TEN_SECONDS, name="Scripted 80GB")
    line.called(2, 6, arrival_s=10)
    rows = line.ends(60)
    [call], [request] = rows["generations"], rows["requests"]
    for row in (call, request):
        assert (row["cost_usd"], row["gpu_cost_usd"], row["gpu_co2e_g"]) == pytest.approx((0.004, 0.004, 0.04))
    assert line.totals["diffusion/cost_usd"] == pytest.approx(0.004)
    assert line.totals["diffusion/unpriced"] == 0


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


def test_spans_around_a_call_take_nothing() -> None:
    """P3, P9: a framework's span around the pipeline's, and an agent around both."""
    line = GpuLine()
    line.reads(*TEN_SECONDS)
    whole: dict[str, Any] = {"trace_id": b"t" * 16}
    line.called(3, 5, arrival_s=10, span_id=b"3" * 8, parent_span_id=b"2" * 8, **whole)
    line.called(2, 6, arrival_s=10, span_id=b"2" * 8, parent_span_id=b"1" * 8, **whole)
    line.called(1, 9, {"gen_ai.operation.name": "invoke_agent"}, arrival_s=10, span_id=b"1" * 8, **whole)
    rows = line.ends(60)
    assert [row["gpu_joules"] for row in rows["generations"]] == [200.0]
    [request] = rows["requests"]
    assert (request["gpu_seconds"], request["gpu_joules"], request["gpu_method"]) == (2.0, 200.0, "overlap")


def test_a_request_has_what_its_calls_used() -> None:
    line = GpuLine()
    line.reads(*TEN_SECONDS)
    line.called(1, 3, arrival_s=10, trace_id=b"t" * 16, parent_span_id=b"r" * 8)
    line.called(3, 4, PHASES | {"diffusion.queue_duration": 0.0}, arrival_s=10, trace_id=b"t" * 16)
    [request] = line.ends(60)["requests"]
    assert (request["gpu_seconds"], request["gpu_joules"]) == (3.0, 300.0)
    assert request["gpu_method"] == "in_process,overlap"


def test_a_clock_that_is_ahead_is_put_right_as_far_as_is_known() -> None:
    """No call ends after it has arrived."""
    line = GpuLine()
    line.reads(*TEN_SECONDS)
    line.called(66, 70, arrival_s=10)
    assert shares(line) == [(4.0, 400.0)]


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

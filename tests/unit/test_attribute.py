"""P9: which call used the GPUs: seconds, joules, memory, method, devices and uncertainty of each."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.gpu_line import TEN_SECONDS, GpuLine, configured, one, shares

from spanwand.span import AttributeValue

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


CUDA = "process.environment_variable.CUDA_VISIBLE_DEVICES"
FIRST, SLICE = "GPU-1234ABcd-0000-1111-2222-123456789abc", "MIG-fedcba98-0000-1111-2222-123456789abc"


@pytest.mark.parametrize(
    ("named", "visible", "devices"),
    [
        (FIRST, None, "0"),
        (FIRST.lower(), None, "0"),
        (FIRST.upper(), None, "0"),
        (FIRST.removeprefix("GPU-"), None, "0"),  # torch names devices so
        (FIRST[:12], None, "0"),
        (f"{FIRST}::2", None, "0"),
        (SLICE, None, "1.2"),
        (SLICE.removeprefix("MIG-"), None, "1.2"),
        (SLICE.replace("MIG", "GPU"), None, "1.2"),
        (["cuda:0"], f"{SLICE},{FIRST}", "1.2"),
        (["cuda:1"], "MIG-fedcba98,GPU-1234abcd", "0"),
        ([], f"{FIRST},-1,{SLICE}", "0"),  # CUDA reads no further
        ([], f"{FIRST},everything,{SLICE}", "0"),
        ([], "", None),  # it shows no GPU
        ([], "NoDevFiles", None),
        ([], "-1", None),
        ([], None, "0,1.2"),
    ],
)
def test_every_spelling_of_a_device(named: AttributeValue, visible: str | None, devices: str | None) -> None:
    """P9: the whole GPU 0, and a slice of GPU 1, which is there too."""
    line = GpuLine()
    for second in TEN_SECONDS:
        line.reads(second, uuid=FIRST)
        line.reads(second, uuid="GPU-fedcba98-9999-1111-2222-123456789abc", index="1")
        line.reads(second, uuid=SLICE, index="1.2", sharing="mig", energy_mj=None)
    resource = {} if visible is None else {CUDA: visible}
    line.called(2, 6, {"spanwand.gpu": named} if named else {}, arrival_s=10, resource=resource)
    assert one(line)["devices"] == devices


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

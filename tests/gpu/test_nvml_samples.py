"""P9: what happened between two readings, by the driver's own samples, through the real `pynvml` over a stand-in."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.nvml import WORKING, StandIn, answers, reader, sampled

FIRST = (1_000_000, 100_000)
EPOCH_US = 1_790_000_000_000_000


@pytest.fixture
def gpus(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path / "driver")


def power(sample: dict[str, Any]) -> tuple[Any, Any]:
    return sample["power_w"], sample["power_peak_w"]


NOW = (WORKING["power_mw"] / 1000, None)
"""What the driver says of now, where the time since the reading before is not known."""


def test_means_and_peaks_between_two_readings(gpus: StandIn) -> None:
    """Each counts for as long as it holds: 100 ms at 200 W, 300 ms at 400 W. The first reading has none before it."""
    idle, busy = [(1_000_000, 0)], [(1_200_000, 100), (1_400_000, 50)]
    with reader(gpus) as read:
        gpus.says("devices 1", *answers(0, **WORKING), *sampled("power", FIRST), *sampled("utilization", *idle))
        (first,) = read()
        assert (power(first), first["utilization"], first["utilization_peak"]) == (NOW, 0.63, None)
        gpus.says(
            "devices 1",
            *answers(0, **WORKING),
            *sampled("power", FIRST, (1_100_000, 200_000), (1_400_000, 400_000)),
            *sampled("utilization", *idle, *busy),
        )
        (second,) = read()
    assert power(second) == (pytest.approx(350), 400)
    assert (second["utilization"], second["utilization_peak"]) == (pytest.approx(0.75), 1)


def test_samples_of_any_of_nvmls_types(gpus: StandIn) -> None:
    """A device for each."""
    said = ["devices 7"] + [line for kind in range(7) for line in answers(kind, power_type=kind)]
    with reader(gpus) as read:
        for samples, expected in (([(1_000_000, 10_000)], None), ([(1_100_000, 20_000)], 20)):
            gpus.says(*said, *(line for kind in range(7) for line in sampled("power", *samples, device=kind)))
            assert [power(sample) for sample in read()] == [(expected, expected)] * 7


def test_samples_of_a_type_of_the_future_are_not_known(gpus: StandIn) -> None:
    said = ["devices 1", *answers(0, **WORKING, power_type=7, field198_type=7)]
    with reader(gpus) as read:
        for samples in ([FIRST], [FIRST, (1_100_000, 200_000)]):
            gpus.says(*said, *sampled("power", *samples))
            (sample,) = read()
            assert (power(sample), sample["pcie_received_bytes"], sample["pcie_sent_bytes"]) == (NOW, None, 900)


def test_a_driver_without_samples_says_what_is_now(gpus: StandIn) -> None:
    """Not supported, not permitted, a buffer that grew meanwhile, a function that is missing, anything else."""
    codes = (3, 4, 7, 13, 999)
    said = [f"devices {len(codes)}"]
    for device, code in enumerate(codes):
        said += [*answers(device, **WORKING), *sampled("power", FIRST, device=device)]
        said += [f"error nvmlDeviceGetSamples {code} {device}"]
    with reader(gpus) as read:
        for samples in ([], [(1_100_000, 200_000)]):
            more = (line for device in range(len(codes)) for line in sampled("power", *samples, device=device))
            gpus.says(*said, *more)
            assert [power(sample) for sample in read()] == [NOW] * len(codes)


def test_nothing_new_is_no_fault(gpus: StandIn) -> None:
    """NVML says NOT_FOUND. The time until the next sample belongs to that one."""
    with reader(gpus) as read:
        gpus.says("devices 1", *answers(0, **WORKING), *sampled("power", FIRST))
        assert [power(read()[0]) for _ in range(3)] == [NOW] * 3
        gpus.says("devices 1", *answers(0, **WORKING), *sampled("power", (1_300_000, 300_000)))
        assert power(read()[0]) == (300, 300)


def test_a_buffer_that_went_round_says_nothing(gpus: StandIn) -> None:
    """What is no longer in it is not guessed; from then on it is known again."""
    with reader(gpus) as read:
        found = []
        for samples in ([FIRST], [(9_000_000, 200_000), (9_100_000, 200_000)], [(9_200_000, 250_000)]):
            gpus.says("devices 1", *answers(0, **WORKING), *sampled("power", *samples))
            found.append(power(read()[0]))
    assert found == [NOW, NOW, (250, 250)]


def test_times_of_the_future_and_clocks_that_are_set_back(gpus: StandIn) -> None:
    """A sample of next year hides all that come until then; after ten readings without any it is begun anew."""
    year = (EPOCH_US * 2, 900_000)
    with reader(gpus) as read:
        gpus.says("devices 1", *answers(0, **WORKING), *sampled("power", FIRST, (1_100_000, 200_000), year))
        assert power(read()[0]) == NOW
        for tenth_s in range(12, 23):
            sample = (tenth_s * 100_000, 200_000)
            gpus.says("devices 1", *answers(0, **WORKING), *sampled("power", sample))
            assert power(read()[0]) == NOW
        gpus.says("devices 1", *answers(0, **WORKING), *sampled("power", (2_400_000, 275_000)))
        assert power(read()[0]) == (275, 275)


def test_samples_in_any_order_and_of_no_time(gpus: StandIn) -> None:
    with reader(gpus) as read:
        gpus.says("devices 1", *answers(0, **WORKING), *sampled("power", (EPOCH_US, 100_000)))
        read()
        mixed = [(EPOCH_US + 200_000, 400_000), (0, 1), (EPOCH_US + 100_000, 200_000), (EPOCH_US, 100_000)]
        gpus.says("devices 1", *answers(0, **WORKING), *sampled("power", *mixed))
        assert power(read()[0]) == (pytest.approx(300), 400)


def test_field_values_stand_in_for_functions_that_are_not_there(gpus: StandIn) -> None:
    """The average before the power of the moment; energy, the limit in force and that of the board likewise."""
    instant, average, default, current, energy = "field186", "field185", "field189", "field190", "field83"
    values = {instant: 90_000, default: 450_000, current: 400_000, energy: (1 << 62) + 5}
    with reader(gpus) as read:
        gpus.says("devices 1", *answers(0, **values))
        (sample,) = read()
        limits = (sample["power_limit_w"], sample["power_default_limit_w"])
        assert (sample["power_w"], *limits, sample["energy_mj"]) == (90, 400, 450, (1 << 62) + 5)
        gpus.says("devices 1", *answers(0, **values, **{average: 95_000, f"{average}_type": 0}))
        assert read()[0]["power_w"] == 95


def test_how_busy_each_process_was(gpus: StandIn) -> None:
    """Since the reading before; nothing of the first time, of what is not new, and of what cannot be."""
    found = []
    with reader(gpus) as read:
        for busy_us, busy in (
            (1_000_000, 90),
            (2_000_000, 40),
            (2_000_000, 50),
            (3_000_000, 4_000_000),
            (4_000_000, 0),
        ):
            gpus.says("devices 1", *answers(0, **WORKING, pid=7, busy_us=busy_us, busy=busy))
            found += [process["utilization"] for process in read()[0]["processes"]]
    assert found == [None, 0.4, None, None, 0]


def test_a_driver_that_does_not_say_how_busy_they_are_says_which_there_are(gpus: StandIn) -> None:
    """Not supported, not permitted, anything else: for each a device."""
    codes = (3, 4, 999)
    lines = [f"error nvmlDeviceGetProcessUtilization {code} {device}" for device, code in enumerate(codes)]
    lines += [line for device in range(len(codes)) for line in answers(device, pid=7, busy_us=1, busy=50)]
    gpus.says(f"devices {len(codes)}", *lines)
    with reader(gpus) as read:
        for _ in range(2):
            assert [[one["pid"] for one in gpu["processes"]] for gpu in read()] == [[7]] * len(codes)

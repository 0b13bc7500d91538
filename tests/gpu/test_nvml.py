"""P9, C3: the real `pynvml` over a compiled stand-in for its library: every state and every refusal, none a crash."""

from pathlib import Path

import pytest
from tests.support.nvml import SLICE, WORKING, StandIn, answers, reader

UNKNOWN = ("power_w", "energy_mj", "utilization", "memory_utilization")
PEAKS = {"power_peak_w", "utilization_peak"}
"""Known from the second reading on, where the driver samples."""


@pytest.fixture
def gpus(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path / "driver")


def test_a_whole_gpu_in_our_units(gpus: StandIn) -> None:
    gpus.says("devices 1", *answers(0, **WORKING, pid=4711))
    with reader(gpus) as read:
        (sample,) = read()
    assert sample.pop("time_ns") > 1e18
    assert sample == {
        "uuid": "GPU-0",
        "index": "0",
        "name": "Stand-in 80GB",
        "sharing": "",
        "trouble": "",
        "utilization": 0.63,
        "utilization_peak": None,
        "memory_utilization": 0.21,
        "memory_used_bytes": 7 << 30,
        "memory_total_bytes": 80 << 30,
        "power_w": 312.5,
        "power_peak_w": None,
        "power_limit_w": 400.0,
        "power_default_limit_w": 450.0,
        "energy_mj": 5_000_000,
        "temperature_c": 55.0,
        "sm_clock_mhz": 1980,
        "memory_clock_mhz": 2619,
        "throttle_reasons": 4,
        "ecc_corrected": 2,
        "ecc_uncorrected": 0,
        "encoder_utilization": 0.1,
        "decoder_utilization": 0.2,
        "pcie_received_bytes": 1000,
        "pcie_sent_bytes": 900,
        "nvlink_received_bytes": 5 * 1024,
        "nvlink_sent_bytes": 4 * 1024,
        "processes": [{"pid": 4711, "memory_used_bytes": 1 << 30, "utilization": None}],
    }


def test_eight_gpus(gpus: StandIn) -> None:
    gpus.says("devices 8", *(line for number in range(8) for line in answers(number, energy_mj=number)))
    with reader(gpus) as read:
        samples = read()
    assert [(sample["index"], sample["energy_mj"]) for sample in samples] == [(str(n), n) for n in range(8)]


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("all", ["GPU-0", "GPU-1", "GPU-2"]),
        ("void", ["GPU-0", "GPU-1", "GPU-2"]),
        ("GPU-1", ["GPU-1"]),
        ("GPU-2,GPU-0", ["GPU-0", "GPU-2"]),
        ("1", ["GPU-1"]),
        ("5,6,7", ["GPU-0", "GPU-1", "GPU-2"]),  # the host's numbers of the three that were given
    ],
)
def test_a_container_sees_its_own_devices(gpus: StandIn, visible: str, expected: list[str]) -> None:
    gpus.says("devices 3", *(line for number in range(3) for line in answers(number, energy_mj=1)))
    with reader(gpus, NVIDIA_VISIBLE_DEVICES=visible) as read:
        assert [sample["uuid"] for sample in read()] == expected


@pytest.mark.parametrize("visible", ["none", "GPU-9"])
def test_a_container_without_devices_of_its_own(gpus: StandIn, visible: str) -> None:
    gpus.says("devices 1", *answers(0, **WORKING))
    with reader(gpus, NVIDIA_VISIBLE_DEVICES=visible) as read:
        assert read() == {"why": "the driver shows no GPU to this container", "is_absent": True}


def test_mig_slices_know_their_memory_and_nothing_of_power(gpus: StandIn) -> None:
    """N/A is never 0; the whole GPU is there beside them, for it alone knows its energy."""
    lines = answers(0, power_mw=100_000, energy_mj=77)  # a GPU in slices has no utilisation
    gpus.says("devices 1", "mig 0 2", *lines, *answers(100, **SLICE), *answers(101, **SLICE))
    with reader(gpus) as read:
        whole, first, second = read()
    assert (whole["uuid"], whole["index"], whole["energy_mj"], whole["utilization"]) == ("GPU-0", "0", 77, None)
    assert [(one["uuid"], one["index"], one["sharing"]) for one in (first, second)] == [
        ("MIG-100", "0.1", "mig"),
        ("MIG-101", "0.2", "mig"),
    ]
    assert first["memory_used_bytes"] == 3 << 30
    assert [first[field] for field in UNKNOWN] == [None] * len(UNKNOWN)


ALL_SLICES = ["GPU-0", "MIG-100", "MIG-101", "GPU-1", "MIG-200"]


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("MIG-101", ["GPU-0", "MIG-101"]),
        ("MIG-101::2", ["GPU-0", "MIG-101"]),
        ("MIG-200,MIG-100", ["GPU-0", "MIG-100", "GPU-1", "MIG-200"]),
        ("GPU-0", ["GPU-0", "MIG-100", "MIG-101"]),
        ("1", ["GPU-1", "MIG-200"]),
        ("0:1", ["GPU-0", "MIG-101"]),
        ("0:1,1:0", ["GPU-0", "MIG-101", "GPU-1", "MIG-200"]),
        ("4,5", ALL_SLICES),  # the host's numbers of the two that were given
        ("4:0,4:1,5:2", ALL_SLICES),
        ("all", ALL_SLICES),
    ],
)
def test_slices_by_uuid_and_by_number(gpus: StandIn, visible: str, expected: list[str]) -> None:
    """GPU 0 is in two slices, GPU 1 is one; the whole GPU is there beside its slices, for its energy."""
    lines = [line for slice_ in (100, 101, 200) for line in answers(slice_, **SLICE)]
    gpus.says("devices 2", "mig 0 2", "mig 1 1", *answers(0, energy_mj=7), *answers(1, energy_mj=7), *lines)
    with reader(gpus, NVIDIA_VISIBLE_DEVICES=visible) as read:
        assert [sample["uuid"] for sample in read()] == expected


def test_slices_are_called_what_they_are(gpus: StandIn) -> None:
    """P9: so that they can have a price of their own. Some drivers call them by the whole GPU's name."""
    whole = {"slices": 1, "compute_slices": 1, "slice_mib": 9_856}
    part = {"slices": 3, "compute_slices": 1, "slice_mib": 20_096}
    lines = [*answers(100, **SLICE, **whole), *answers(101, **SLICE, **part), *answers(102, **SLICE)]
    gpus.says("devices 1", "mig 0 3", *answers(0, energy_mj=7), *lines)
    with reader(gpus) as read:
        names = [sample["name"] for sample in read()]
    assert names == [
        "Stand-in 80GB",
        "Stand-in 80GB MIG 1g.10gb",
        "Stand-in 80GB MIG 1c.3g.20gb",
        "Stand-in 80GB MIG",
    ]


def test_time_slices_and_virtual_gpus_say_so(gpus: StandIn) -> None:
    gpus.says("devices 2", *answers(0, **WORKING), *answers(1, virtualization=2, utilization=5))
    with reader(gpus, NVIDIA_VISIBLE_DEVICES="GPU-0::3,GPU-1") as read:
        assert [sample["sharing"] for sample in read()] == ["time-sliced", "vgpu"]


def test_counters_are_handed_on_as_they_are(gpus: StandIn) -> None:
    """What a wrap or a reset means is for the line to say."""
    found = []
    with reader(gpus) as read:
        for energy_mj in ((1 << 63) + 5, 10, 3):
            gpus.says("devices 1", f"value energy_mj 0 {energy_mj if energy_mj < 1 << 63 else energy_mj - (1 << 64)}")
            found += [sample["energy_mj"] for sample in read()]
    assert found == [(1 << 63) + 5, 10, 3]


def test_an_old_driver_lacks_functions(tmp_path: Path) -> None:
    gpus = StandIn(tmp_path / "driver", "OLD_DRIVER")
    gpus.says("devices 1", *answers(0, **WORKING))
    with reader(gpus) as read:
        (sample,) = read()
    assert (sample["energy_mj"], sample["processes"], sample["pcie_sent_bytes"]) == (None, None, None)
    assert (sample["power_w"], sample["throttle_reasons"]) == (312.5, 4)  # the mask by its old name


NOT_SUPPORTED, NO_PERMISSION, LOST, UNKNOWN_ERROR = 3, 4, 15, 999
FIELDS_OF = {
    "nvmlDeviceGetUtilizationRates": ("utilization", "memory_utilization"),
    "nvmlDeviceGetMemoryInfo": ("memory_used_bytes", "memory_total_bytes"),
    "nvmlDeviceGetTotalEnergyConsumption": ("energy_mj",),
    "nvmlDeviceGetPowerUsage": ("power_w",),
    "nvmlDeviceGetTemperature": ("temperature_c",),
    "nvmlDeviceGetClockInfo": ("sm_clock_mhz", "memory_clock_mhz"),
    "nvmlDeviceGetTotalEccErrors": ("ecc_corrected", "ecc_uncorrected"),
    "nvmlDeviceGetComputeRunningProcesses_v3": ("processes",),
    "nvmlDeviceGetFieldValues": ("pcie_received_bytes", "nvlink_sent_bytes"),
}


@pytest.mark.parametrize("code", [NOT_SUPPORTED, NO_PERMISSION, UNKNOWN_ERROR])
def test_each_call_may_fail_alone(gpus: StandIn, code: int) -> None:
    """A device for each function, on which that one fails; asked twice, for some are not asked again."""
    lines = [f"devices {len(FIELDS_OF)}"]
    for device, function in enumerate(FIELDS_OF):
        lines += [*answers(device, **WORKING, pid=1), f"error {function} {code} {device}"]
    gpus.says(*lines)
    with reader(gpus) as read:
        for sample, fields in [*zip(read(), FIELDS_OF.values(), strict=True)] * 2:
            unknown = {name for name, value in sample.items() if value is None} - PEAKS
            assert unknown >= set(fields)
            assert len(unknown) <= 4
            assert not sample["trouble"]


@pytest.mark.parametrize(
    ("function", "code", "why", "is_absent"),
    [
        ("nvmlInitWithFlags", 18, "RM has detected an NVML/RM version mismatch.", False),
        ("nvmlInitWithFlags", 9, "Driver Not Loaded", True),
        ("nvmlInitWithFlags", 4, "Insufficient Permissions", False),
        ("nvmlDeviceGetHandleByIndex_v2", 4, "the driver shows no GPU to this container: Insufficient Perm", False),
        ("nvmlDeviceGetCount_v2", 1, "Uninitialized", False),
    ],
)
def test_a_driver_that_cannot_be_used_has_a_reason(
    gpus: StandIn, function: str, code: int, why: str, is_absent: bool
) -> None:
    gpus.says("devices 1", *answers(0, **WORKING), f"error {function} {code}")
    with reader(gpus) as read:
        found = read()
        assert found["why"].startswith(why)
        assert found["is_absent"] is is_absent
        gpus.says("devices 1", *answers(0, **WORKING))
        assert read()[0]["power_w"] == 312.5


def test_a_driver_that_restarts_is_opened_anew(gpus: StandIn) -> None:
    with reader(gpus) as read:
        gpus.says("devices 1", *answers(0, **WORKING))
        assert read()[0]["energy_mj"] == 5_000_000
        gpus.says("devices 1", "error nvmlDeviceGetUtilizationRates 1")
        assert read() == {"why": "Uninitialized", "is_absent": False}
        gpus.says("devices 1", *answers(0, energy_mj=12))
        assert read()[0]["energy_mj"] == 12


def test_a_gpu_that_is_lost_does_not_take_the_others_with_it(gpus: StandIn) -> None:
    with reader(gpus) as read:
        gpus.says(
            "devices 2",
            *answers(0, **WORKING),
            *answers(1, **WORKING),
            f"error nvmlDeviceGetUtilizationRates {LOST} 1",
        )
        first, second = read()
    assert (first["trouble"], first["power_w"]) == ("", 312.5)
    assert (second["trouble"], second["power_w"]) == ("GPU is lost", None)


def test_no_library(tmp_path: Path) -> None:
    gpus = StandIn(tmp_path / "driver")
    gpus.library.unlink()
    with reader(gpus) as read:
        assert read() == {"why": "no GPU: NVML's library is not found", "is_absent": True}

"""P9: readings of GPUs become the history of every run that is live."""

from typing import Any

import msgspec
import pytest
from tests.support.records import trace_id

from spanwand.batch import Batch
from spanwand.config import AttributionConfig, GpuConfig, LineConfig
from spanwand.gpu_growth import COUNTERS, growth
from spanwand.gpu_sample import GpuSample, decode, encode
from spanwand.meter import LIVE_NS, PEAKS, STATES
from spanwand.metrics import metric_of
from spanwand.pipeline import Pipeline
from spanwand.span import Span, SpanResource

SECOND_NS = 1_000_000_000
BEGUN_NS = 1_790_000_000 * SECOND_NS
IDLE = GpuSample(time_ns=BEGUN_NS, uuid="GPU-0", index="0", power_w=100.0, energy_mj=1_000, utilization=0.0)


class Journal:
    """Feeds a line, frame by frame."""

    def __init__(self, config: LineConfig | None = None) -> None:
        self.line = Pipeline(config or LineConfig(), b"k" * 32)
        self.now_ns, self.position = BEGUN_NS, 0
        self.batches: list[Batch] = []

    def at(self, seconds: float) -> tuple[int, int, int]:
        self.now_ns = BEGUN_NS + int(seconds * SECOND_NS)
        self.position += 10
        where = (self.position - 10, self.position, self.now_ns)
        self._keep(self.line.tick(*where))
        return where

    def gpus(self, seconds: float, *samples: GpuSample) -> None:
        self._keep(self.line.gpus(*self.at(seconds), encode(samples)))

    def service(self, seconds: float, name: str) -> None:
        """A span that is no model call: the service lives."""
        resource = SpanResource(attributes={"service.name": name})
        span = Span(
            trace_id=trace_id(1), span_id=b"s" * 8, name="GET", start_ns=0, end_ns=1, attributes={}, resource=resource
        )
        where = self.at(seconds)
        self.line._meter.hear([span], self.line._normalise.home, where[2])

    def history(self) -> dict[str, dict[str, float]]:
        self._keep(self.line.drain(*self.at((self.now_ns - BEGUN_NS) / SECOND_NS)))
        points: dict[str, dict[str, float]] = {}
        for update in (update for batch in self.batches for update in batch.updates):
            points.setdefault(update.run.job_type, {}).update(update.points)
        return points

    def _keep(self, batch: Batch | None) -> None:
        self.batches += [batch] if batch else []


def later(seconds: float, sample: GpuSample = IDLE, **fields: float | str | None) -> GpuSample:
    return msgspec.structs.replace(sample, time_ns=sample.time_ns + int(seconds * SECOND_NS), **fields)


def test_every_live_run_gets_the_means_and_the_growth() -> None:
    journal = Journal()
    journal.gpus(0, IDLE)
    journal.service(1, "studio")
    journal.service(2, "painter")
    journal.gpus(
        3, later(1, energy_mj=1_500, utilization=0.5), later(2, energy_mj=4_000, power_w=400.0, utilization=1.0)
    )
    history = journal.history()
    assert history["studio"] == history["painter"]
    states = {"gpu/0/utilization": 0.5, "gpu/0/power_w": 200.0}
    nobodys = {"gpu/0/unattributed_s": 2.0, "gpu/0/unattributed_j": 3.0}
    assert history["studio"] == {**states, "gpu/0/energy_j": 3.0, **nobodys}


def test_a_window_has_the_largest_peak() -> None:
    journal = Journal()
    journal.gpus(0, IDLE)
    journal.service(1, "studio")
    peaks = (300.0, 400.0, None)
    journal.gpus(5, *(later(second + 1, power_peak_w=peak) for second, peak in enumerate(peaks)))
    assert journal.history()["studio"]["gpu/0/power_peak_w"] == 400


def test_nobody_live_makes_no_history() -> None:
    journal = Journal()
    for seconds in range(40):
        journal.gpus(seconds, later(seconds))
    assert not journal.line.waiting
    assert journal.history() == {}


def test_a_service_that_is_quiet_for_long_gets_no_more() -> None:
    attribution = AttributionConfig(horizon_s=LIVE_NS // SECOND_NS)
    journal = Journal(LineConfig(gpu=GpuConfig(attribution=attribution)))
    journal.gpus(0, IDLE)
    journal.service(1, "studio")
    for seconds in range(10, 3 * LIVE_NS // SECOND_NS, 10):
        journal.gpus(seconds, later(seconds))
    assert journal.batches[-1].end_ns <= BEGUN_NS + LIVE_NS + 20 * SECOND_NS
    assert journal.line.low > journal.position - LIVE_NS // SECOND_NS - 60  # and the journal is let go


def test_what_is_not_known_is_not_there() -> None:
    """N/A is never 0."""
    journal = Journal()
    journal.gpus(0, GpuSample(time_ns=1, uuid="MIG-1", index="0.2", sharing="mig", memory_used_bytes=5))
    journal.service(1, "studio")
    journal.gpus(2, GpuSample(time_ns=2, uuid="GPU-1", index="1", trouble="GPU is lost"))
    assert journal.history()["studio"] == {"gpu/0.2/memory_used_bytes": 5}


@pytest.mark.parametrize(
    ("before", "now", "joules"),
    [
        ({"energy_mj": 1_000}, {"energy_mj": 4_500}, 3.5),
        ({"energy_mj": 1_000}, {"energy_mj": 1_000}, 0.0),
        ({"energy_mj": 9_000}, {"energy_mj": 500}, 0.5),  # the driver was loaded anew
        ({"energy_mj": 2**64 - 5}, {"energy_mj": 10}, 0.01),  # or the counter is round: at least that
        ({"energy_mj": 1_000}, {"energy_mj": None, "power_w": None}, None),
        ({"energy_mj": None, "power_w": 100.0}, {"energy_mj": None, "power_w": 200.0}, 300.0),  # 2 s at 150 W
        ({"energy_mj": None, "power_w": None}, {"energy_mj": None, "power_w": 200.0}, None),
        ({"energy_mj": None, "power_w": 100.0}, {"energy_mj": 5_000, "power_w": 200.0}, 300.0),  # it counts from now on
        ({"energy_mj": 0}, {"energy_mj": 9 * 10**9}, 200.0),  # 4.5 MW are none: 2 s at 100 W
        # a mean of the driver's own samples needs no other end
        ({"energy_mj": None}, {"energy_mj": None, "power_w": 150.0, "power_peak_w": 300.0}, 300.0),
    ],
)
def test_energy_is_how_the_counter_grew(before: dict[str, Any], now: dict[str, Any], joules: float | None) -> None:
    found = dict(growth(later(0, **before), later(2, **now)))
    assert found.get("energy_j") == joules


def test_power_says_nothing_of_a_long_silence() -> None:
    dark = later(0, energy_mj=None)
    assert dict(growth(dark, later(60, dark))) == {}


def test_every_key_has_a_name_and_every_layout_a_version() -> None:
    names = [*STATES.values(), *PEAKS, *(key for key, _ in COUNTERS.values())]
    assert all(metric_of(f"gpu/0/{name}") for name in names)
    assert decode(encode([IDLE])) == (IDLE,)
    for body in (b"", b"garbage", msgspec.msgpack.encode((99, [])), msgspec.msgpack.encode((1, [{"uuid": 1}]))):
        with pytest.raises(ValueError, match="GPU samples"):
            decode(body)


def test_a_frame_that_is_none_is_counted() -> None:
    journal = Journal()
    journal.line.gpus(*journal.at(0), b"garbage")
    assert journal.line.drops["undecodable"] == 1  # type: ignore[index]

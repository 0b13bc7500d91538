"""P7, R25, R31: windows of metrics that count everything, and rows that wait."""

import math
import random
from collections import Counter
from typing import Any

import pytest
from tests.support.records import KEPT, LEFT, call, request

from spanwand.aggregate import Aggregate
from spanwand.batch import RunKey, RunUpdate
from spanwand.config import AggregateConfig, LineConfig, RedactConfig, WandbConfig
from spanwand.drops import DropReason, Drops
from spanwand.errors import ConfigError
from spanwand.metrics import metric_of
from spanwand.operations import Operation
from spanwand.record import Cost, Failure, ImageParams, Service, Timing, Usage

STUDIO_RUN = RunKey(group="studio@test", job_type="studio", name="studio-1")
HEALTH_RUN = RunKey(group="spanwand", job_type="spanwand", name="spanwand")


def aggregate(**limits: Any) -> Aggregate:
    return Aggregate(LineConfig(aggregate=AggregateConfig(**limits)), Drops())


def close(line: Aggregate, *, rows_due: bool = True) -> dict[RunKey, RunUpdate]:
    updates = line.close_window(rows_due=rows_due)
    for update in updates:
        assert all(metric_of(key) and math.isfinite(value) for key, value in update.points.items())
    return {update.run: update for update in updates}


def test_points_of_language_model_calls() -> None:
    line = aggregate()
    usage = Usage(input_tokens=10, output_tokens=5, cached_input_tokens=2)
    line.generation(call(usage=usage, cost=Cost(computed_usd=0.5), timing=Timing(ttft_s=0.2)), KEPT)
    line.generation(call(usage=Usage(input_tokens=1), failure=Failure("x"), request_model="other/model"), LEFT)
    points = close(line)[STUDIO_RUN].points
    sums = {
        "llm/requests": 2,
        "llm/errors": 1,
        "llm/unpriced": 1,
        "llm/input_tokens": 11,
        "llm/output_tokens": 5,
        "llm/cached_input_tokens": 2,
        "llm/cost_usd": 0.5,
        "llm/by_model/m/requests": 1,
        "llm/by_model/m/errors": 0,
        "llm/by_model/other_model/input_tokens": 1,
    }
    assert sums.items() <= points.items()
    assert points["llm/ttft_s/p95"] == pytest.approx(0.2, rel=0.01)
    assert points["llm/output_tokens_per_s/p50"] == pytest.approx(5, rel=0.01)


def test_what_is_unknown_is_absent_not_zero() -> None:
    """P5."""
    line = aggregate()
    line.generation(call(), KEPT)
    points = close(line)[STUDIO_RUN].points
    assert points["llm/requests"] == 1
    assert {"llm/input_tokens", "llm/cost_usd", "llm/ttft_s/p50", "diffusion/requests"}.isdisjoint(points)


@pytest.mark.parametrize("garbage", [math.nan, math.inf, -1.0, 1e300, 10**400])
def test_garbage_is_unknown(garbage: float) -> None:
    """R22: one NaN would make a total NaN for good."""
    line = aggregate()
    line.generation(call(cost=Cost(reported_usd=garbage), timing=Timing(ttft_s=garbage)), LEFT)
    line.generation(call(cost=Cost(reported_usd=1.0)), LEFT)
    points = close(line)[STUDIO_RUN].points
    assert points["llm/cost_usd"] == 1.0
    assert "llm/ttft_s/p50" not in points


def test_points_of_image_calls() -> None:
    """P4."""
    line = aggregate()
    image = ImageParams(images=4, steps=20)
    line.generation(call(operation=Operation.IMAGE, image=image, timing=Timing(denoise_s=1.0), latency_s=2), KEPT)
    points = close(line)[STUDIO_RUN].points
    assert (points["diffusion/requests"], points["diffusion/images"]) == (1, 4)
    assert points["diffusion/step_s/p50"] == pytest.approx(0.05, rel=0.01)
    assert points["diffusion/images_per_s/p50"] == pytest.approx(2, rel=0.01)
    assert "llm/requests" not in points


def test_tools_and_agents_are_not_counted_as_calls() -> None:
    line = aggregate()
    line.generation(call(operation=Operation.AGENT), KEPT)
    assert close(line) == {}


def test_points_and_rows_of_requests() -> None:
    """A1."""
    line = aggregate()
    line.request(request(cost_usd=2.0, generations=3, errors=1), KEPT)
    line.request(request(latency_s=3), LEFT)
    update = close(line)[STUDIO_RUN]
    assert (update.points["request/count"], update.points["request/errors"]) == (2, 1)
    assert update.points["request/cost_usd/p50"] == pytest.approx(2.0, rel=0.01)
    assert len(update.rows["requests"]) == 1


def test_quantiles_are_within_their_error() -> None:
    rng = random.Random(1)
    line = aggregate()
    latencies = [rng.lognormvariate(0, 1) for _ in range(20_000)]
    for number, latency_s in enumerate(latencies):
        line.generation(call(latency_s=latency_s, request_model=str(number % 7)), LEFT)
    points = close(line)[STUDIO_RUN].points
    for percent in (50, 95, 99):
        exact = sorted(latencies)[round(percent / 100 * (len(latencies) - 1))]
        assert points[f"llm/latency_s/p{percent}"] == pytest.approx(exact, rel=0.011)


def test_models_over_the_limit_are_summed_exactly_as_other() -> None:
    """R25: 1,000 names, bounded metrics, exact totals."""
    line = aggregate(max_models=3)
    for number in range(1_000):
        line.generation(call(request_model=f"model/{number}", usage=Usage(input_tokens=number)), LEFT)
    points = close(line)[STUDIO_RUN].points
    names = {key.split("/")[2] for key in points if "/by_model/" in key}
    assert names == {"model_0", "model_1", "model_2", "other"}
    assert points["llm/by_model/other/input_tokens"] == sum(range(3, 1_000))
    assert points["llm/requests"] == 1_000


def test_runs_over_the_limit_share_one() -> None:
    """R25."""
    line = aggregate(max_runs=2)
    for number in range(50):
        line.generation(call(service=Service(name="s", instance=str(number))), KEPT)
    updates = close(line)
    assert [run.name for run in updates if run != HEALTH_RUN] == ["0", "1", "other"]
    assert sum(update.points.get("llm/requests", 0) for update in updates.values()) == 50


def test_a_models_name_is_made_fit_for_a_key() -> None:
    line = aggregate()
    line.generation(call(request_model="a/ü b\n" + "x" * 1_000), LEFT)
    line.generation(call(request_model=""), LEFT)
    names = {key.split("/")[2] for key in close(line)[STUDIO_RUN].points if "/by_model/" in key}
    assert names == {("a/ü b\n".translate(str.maketrans("/ü \n", "____")) + "x" * 64)[:64], "unknown"}


def test_the_run_of_a_call() -> None:
    """P8: group by experiment, else by service and environment; job type by arm, else by service."""
    line = aggregate()
    line.generation(call(experiment="prompts", arm="b"), LEFT)
    line.generation(call(service=Service(name="painter")), LEFT)
    first, second = line.close_window(rows_due=False)
    assert first.run == RunKey(group="prompts", job_type="b", name="studio-1/b")
    assert first.config == {
        "service": "studio",
        "environment": "test",
        "instance": "studio-1",
        "version": "1",
        "experiment": "prompts",
        "arm": "b",
        "redaction": str(RedactConfig()),
    }
    assert str(RedactConfig()).startswith("counts-only, 0 rules, ")
    assert first.tags == ("test", "studio", "spanwand")
    assert second.run == RunKey(group="painter@default", job_type="painter", name="painter")


@pytest.mark.parametrize(("allowed", "expected"), [((), ("", "")), (("team/comics",), ("team", "comics"))])
def test_a_service_may_ask_only_for_projects_on_the_list(allowed: tuple[str, ...], expected: tuple[str, str]) -> None:
    """R40."""
    line = Aggregate(LineConfig(wandb=WandbConfig(allowed_projects=allowed)), Drops())
    line.generation(call(service=Service(name="s", entity="team", project="comics")), LEFT)
    run = line.close_window(rows_due=True)[0].run
    assert (run.entity, run.project) == expected


def test_rows_wait_until_they_are_due() -> None:
    line = aggregate()
    line.open_window(5, 0)
    line.generation(call(), KEPT)
    assert close(line, rows_due=False)[STUDIO_RUN].rows == {}
    assert line.low == 5
    line.open_window(9, 0)
    line.generation(call(), KEPT)
    update = close(line)[STUDIO_RUN]
    assert len(update.rows["generations"]) == 2
    assert line.low is None


def test_rows_may_come_with_a_window_that_has_no_points() -> None:
    line = aggregate()
    line.generation(call(), KEPT)
    close(line, rows_due=False)
    update = close(line)[STUDIO_RUN]
    assert (len(update.rows["generations"]), update.points) == (1, {})


def test_own_health_goes_to_a_run_of_its_own() -> None:
    """K2."""
    drops = Drops()
    line = Aggregate(LineConfig(), drops)
    line.received(spans_received=7)
    drops[DropReason.INVALID_IDS] += 2
    (update,) = line.close_window(rows_due=False)
    assert update.run == HEALTH_RUN
    assert update.points == {"spanwand/spans_received": 7, "spanwand/dropped/invalid_ids": 2}
    assert line.close_window(rows_due=True) == ()


def test_what_was_redacted_is_counted_by_pattern() -> None:
    """P6."""
    redacted = Counter(email=2)
    line = Aggregate(LineConfig(), Drops(), redacted)
    assert close(line)[HEALTH_RUN].points["spanwand/redacted/email"] == 2
    redacted["email"] += 1
    assert close(line)[HEALTH_RUN].points["spanwand/redacted/email"] == 1
    assert close(line) == {}


def test_an_attribute_named_like_a_column_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="already a column"):
        Aggregate(LineConfig.model_validate({"gather": {"request_attributes": ["arm"]}}), Drops())


@pytest.mark.parametrize(
    ("instance", "name"),
    [
        ("", "studio"),
        ("studio-7f9c", "studio-7f9c"),
        ("523e4979-1a2b-4c3d-8e4f-0123456789ab", "studio-523e4979"),
    ],
)
def test_a_random_instance_id_is_shown_with_its_service(instance: str, name: str) -> None:
    """P8: the stock SDK makes up a UUID for each start of an app; a list of those tells nobody anything."""
    line = aggregate()
    line.generation(call(service=Service(name="studio", instance=instance), arm="b"), LEFT)
    assert {update.run.name for update in line.close_window(rows_due=True)} == {f"{name}/b"}

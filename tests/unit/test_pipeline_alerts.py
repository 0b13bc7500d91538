"""P2, E3: alerts in batches, and what a restart makes of them: what was said is not said again."""

import pytest
from tests.support.records import SECOND_NS
from tests.unit.test_pipeline import KEY, otlp

from spanwand.alert_rule import AlertRule
from spanwand.batch import Batch
from spanwand.config import LineConfig
from spanwand.pipeline import Pipeline

Frames = list[tuple[int, int, int, bytes]]
STEP_S = 5
PACE = 10


def unpriced(over_s: int) -> LineConfig:
    """Says that calls of `otlp`, of a model `m`, have no price."""
    return LineConfig(alerts=(AlertRule(figure="unpriced_rate", above=0.5, over_s=over_s, at_least=1),))


@pytest.fixture(scope="module")
def frames() -> Frames:
    """A quarter of an hour; one trace every five seconds."""
    bodies = (otlp("chat", "root", trace=number + 1) for number in range(180))
    return [(n * PACE, (n + 1) * PACE, (1_000 + n * STEP_S) * SECOND_NS, body) for n, body in enumerate(bodies)]


def run(config: LineConfig, frames: Frames) -> list[Batch]:
    line = Pipeline(config, KEY)
    return [batch for frame in frames if (batch := line.traces(*frame))]


def said(batches: list[Batch]) -> list[tuple[int, str, str]]:
    """`seq`, run and title of all alerts."""
    return [
        (batch.seq, update.run.name, alert.title)
        for batch in batches
        for update in batch.updates
        for alert in update.alerts
    ]


def test_an_alert_comes_with_the_points_it_is_about(frames: Frames) -> None:
    (alert,) = said(run(unpriced(60), frames))
    assert alert[1:] == ("studio", "unpriced_rate above 0.5")
    assert all(update.points for batch in run(unpriced(60), frames) for update in batch.updates if update.alerts)


def test_what_was_said_before_a_restart_is_not_said_again(frames: Frames) -> None:
    """Nor is anything missed: the batches behind a restart are the same ones."""
    config = unpriced(60)
    batches = run(config, frames)
    for batch in batches[10::12]:
        replayed = run(config, [frame for frame in frames if frame[0] >= batch.low])
        behind = [later for later in replayed if later.seq > batch.seq]
        assert said(behind) == said([later for later in batches if later.seq > batch.seq])


def test_a_rule_that_looks_further_back_than_a_replay_may_say_it_once_more(frames: Frames) -> None:
    """docs/alerts.md: `over_s` above `deduplicate.window_s`, which is what a replay begins with."""
    config = unpriced(500)
    batches = run(config, frames)
    assert len(said(batches)) == 1
    late = batches[-30]
    assert late.low > 0
    replayed = run(config, [frame for frame in frames if frame[0] >= late.low])
    assert len(said([later for later in replayed if later.seq > late.seq])) == 1


def test_dropped_spans_are_said_by_default(frames: Frames) -> None:
    """K2: in the run of our own health."""
    damaged = [(*frame[:3], b"\xff" if n in (50, 60) else frame[3]) for n, frame in enumerate(frames)]
    (alert,) = said(run(LineConfig(), damaged))
    assert alert[1:] == ("spanwand", "dropped_spans above 0")

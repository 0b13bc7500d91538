"""What is known of cost comes out of the line by model: unpriced calls, both figures, where they differ (P5, P8)."""

from collections.abc import Iterator, Mapping
from itertools import count

import pytest
from tests.support.spans import span

from spanwand.batch import Batch
from spanwand.config import AggregateConfig, LineConfig, PriceConfig
from spanwand.pipeline import Pipeline
from spanwand.span import AttributeValue, Span

NOW_NS = 1_793_500_000 * 10**9
IDS = count(1)


def calls(*some: tuple[str, float | None]) -> Iterator[Span]:
    """Calls of models with a million input tokens and the cost that the app reports."""
    for model, reported_usd in some:
        attributes: dict[str, AttributeValue] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": model,
            "gen_ai.usage.input_tokens": 1_000_000,
            "gen_ai.usage.cost": reported_usd,
        }
        yield span(attributes, span_id=next(IDS).to_bytes(8, "big"), start_ns=NOW_NS, end_ns=NOW_NS + 10**9)


def points(batch: Batch | None) -> Mapping[str, float]:
    assert batch is not None
    update, *_ = (update for update in batch.updates if "llm/requests" in update.points)
    return update.points


def through_the_line(config: LineConfig, spans: Iterator[Span]) -> Mapping[str, float]:
    line = Pipeline(config, bytes(32))
    line.spans(0, 10, NOW_NS, spans, 4)
    return points(line.drain(10, 20, NOW_NS))


SOME = (("gpt-4o", 2.5), ("gpt-4o", 2.0), ("gpt-4o", None), ("own-1", None), ("own-2", 3.0))


def test_cost_by_model() -> None:
    """P5: an unknown cost is counted by model, and never added up as 0."""
    found = through_the_line(LineConfig(), calls(*SOME))
    expected = {
        "llm/unpriced": 1,
        "llm/cost_mismatches": 1,
        "llm/cost_usd": 3 * 2.5 + 3.0,
        "llm/reported_cost_usd": 2.5 + 2.0 + 3.0,
        "llm/by_model/gpt-4o/cost_mismatches": 1,
        "llm/by_model/gpt-4o/cost_usd": 7.5,
        "llm/by_model/own-1/unpriced": 1,
        "llm/by_model/own-2/unpriced": 0,
        "llm/by_model/own-2/cost_usd": 3.0,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected)
    assert "llm/by_model/own-1/cost_usd" not in found
    assert "llm/by_model/own-1/reported_cost_usd" not in found


def test_models_over_the_limit_are_counted_together() -> None:
    found = through_the_line(LineConfig(aggregate=AggregateConfig(max_models=1)), calls(*SOME))
    assert found["llm/by_model/other/unpriced"] == 1
    assert not [key for key in found if "own-1" in key]


def test_tolerance_is_configured() -> None:
    found = through_the_line(LineConfig(price=PriceConfig(tolerance=0.5)), calls(*SOME))
    assert found["llm/cost_mismatches"] == 0

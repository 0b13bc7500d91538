"""Metric names are API (design §5); the table of them is complete and unambiguous."""

import re

import pytest

from spanwand import cell, metrics
from spanwand.metrics import METRICS, Kind, metric_of

FIXED = [
    *(f"llm/{name}" for name in ("requests", "errors", "input_tokens", "output_tokens", "cached_input_tokens")),
    *(f"llm/{name}" for name in ("cost_usd", "latency_s/p50", "latency_s/p95", "latency_s/p99")),
    *(f"llm/{name}" for name in ("ttft_s/p50", "ttft_s/p95", "by_model/gpt-4o/requests", "by_model/other/cost_usd")),
    *(f"diffusion/{name}" for name in ("requests", "images", "errors", "cost_usd", "latency_s/p50", "latency_s/p95")),
    *("request/count", "spanwand/spans_received", "spanwand/dropped/undecodable"),
]


@pytest.mark.parametrize("key", FIXED)
def test_names_users_build_on(key: str) -> None:
    metric = metric_of(key)
    assert metric is not None
    assert re.fullmatch(re.sub("<.*?>", "[^/]+", metric.name), key)


@pytest.mark.parametrize("key", ["", "llm", "llm/by_model/a/b/requests", "llm/requests/", "spanwand/batch", "_step"])
def test_other_keys_are_no_metrics(key: str) -> None:
    assert metric_of(key) is None


def test_names_are_unique_and_described() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert all(metric.unit and metric.description for metric in METRICS)


@pytest.mark.parametrize(
    ("documented", "columns"),
    [(metrics.LLM, cell.LLM), (metrics.DIFFUSION, cell.DIFFUSION), (metrics.REQUEST, cell.REQUEST)],
)
def test_what_a_cell_shows_is_what_is_documented(
    documented: tuple[metrics.Metric, ...], columns: cell.Columns[object]
) -> None:
    sums = {*columns.counts, *columns.sums}
    quantiles = {f"{name}/p{p}" for name, percentiles in columns.quantiles.items() for p in percentiles}
    assert {metric.name for metric in documented if metric.kind is Kind.SUM} == sums
    assert {metric.name for metric in documented if metric.kind is Kind.QUANTILE} == quantiles

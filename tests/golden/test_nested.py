"""P3, P5: calls that several instrumentations report are counted once, with the usage that the API answered.

The cases under `nested/SOURCE/CASE` were captured from real packages; `silent` and `wrong` say which figures no span
of a case has, or has right.
"""

from collections import Counter
from http import HTTPStatus
from pathlib import Path

import pytest

from spanwand.config import LineConfig
from spanwand.gather import AGGREGATE_ONLY
from spanwand.pipeline import Pipeline
from spanwand.tables import GENERATIONS, TABLES
from spanwand.traces.attempts import FALLBACK, RETRY
from spanwand.traces.duplicates import RULES
from tests.golden.counted import rules_of
from tests.golden.reading import CASES, NESTED, captured_in
from tests.support.otlp_json import Json, to_bytes

SECOND_NS = 1_000_000_000
TOKENS = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_output_tokens")


def name(case: Path) -> str:
    return f"{case.parent.name}/{case.name}"


def sums(request: Json) -> Counter[str]:
    """Sums over all runs of what the line makes of a captured request; those of `rows` are of the Tables."""
    line = Pipeline(LineConfig(), bytes(32))
    line.traces(0, 10, SECOND_NS, to_bytes(request))
    batch = line.drain(10, 20, SECOND_NS)
    assert batch is not None
    names = [column.name for column in TABLES[GENERATIONS]]
    totals: Counter[str] = Counter()
    for update in batch.updates:
        totals.update({key: int(value) for key, value in update.points.items() if "/p" not in key})
        for row in update.rows.get(GENERATIONS, ()):
            cells = dict(zip(names, row, strict=True))
            totals["rows"] += cells["status"] != "retried"
            totals.update({f"rows/{field}": cells[field] or 0 for field in TOKENS if field in cells})
    return totals


@pytest.mark.parametrize("case", NESTED, ids=name)
def test_what_is_counted_is_what_the_api_answered(case: Path) -> None:
    """Calls that have an answer, failed ones, and tokens; what no span tells is not made up."""
    captured = captured_in(case)
    answers = [answer for answer in captured["answered"] if answer["status"] == HTTPStatus.OK]
    answered = {"calls": len(answers)}
    answered |= {field: sum(answer["usage"].get(field) or 0 for answer in answers) for field in TOKENS}
    totals = sums(captured["request"])
    requests, errors = (totals[f"llm/{name}"] + totals[f"diffusion/{name}"] for name in ("requests", "errors"))
    assert errors <= len(captured["answered"]) - len(answers)
    read = {"calls": requests - errors} | {field: totals[f"llm/{field}"] for field in TOKENS}
    assert {field: 0 for field in captured["silent"]} == {field: read[field] for field in captured["silent"]}
    for field in read.keys() - captured["silent"].keys():
        assert (read[field] == answered[field]) == (field not in captured["wrong"]), field


@pytest.mark.parametrize("case", NESTED, ids=name)
def test_the_rows_add_up_to_the_metrics(case: Path) -> None:
    totals = sums(captured_in(case)["request"])
    assert totals["rows"] == totals["llm/requests"] + totals["diffusion/requests"]
    for field in ("input_tokens", "output_tokens", "cached_input_tokens"):
        assert totals[f"rows/{field}"] == totals[f"llm/{field}"]


def test_every_rule_decided_in_a_capture() -> None:
    fired = {rule for case in (*NESTED, *CASES) for rule in rules_of(case)}
    assert fired >= {*(rule.name for rule in RULES), RETRY, FALLBACK, *AGGREGATE_ONLY.rules}

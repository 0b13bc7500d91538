"""P3, P5: calls that several instrumentations report are counted once, with the usage that the API answered.

The cases under `nested/SOURCE/CASE` were captured from real packages; `silent` and `wrong` say which figures no span
of a case has, or has right.
"""

import json
from collections import Counter
from http import HTTPStatus
from pathlib import Path

import pytest

from spanwand.config import LineConfig
from spanwand.pipeline import Pipeline
from spanwand.tables import GENERATIONS, TABLES
from tests.support.otlp_json import Json, to_bytes

CASES = sorted(path.parent for path in (Path(__file__).parent / "nested").glob("*/*/in.json"))
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


@pytest.mark.parametrize("case", CASES, ids=name)
def test_what_is_counted_is_what_the_api_answered(case: Path) -> None:
    captured = json.loads((case / "in.json").read_text())
    answers = [answer for answer in captured["answered"] if answer["status"] == HTTPStatus.OK]
    totals = sums(captured["request"])
    read = {field for field in TOKENS if field not in {**captured["silent"], **captured["wrong"]}}
    assert totals["llm/requests"] + totals["diffusion/requests"] == len(answers)
    for field in read:
        answered = sum(answer["usage"].get(field) or 0 for answer in answers)
        assert totals[f"llm/{field}"] == answered, field


@pytest.mark.parametrize("case", CASES, ids=name)
def test_the_rows_add_up_to_the_metrics(case: Path) -> None:
    totals = sums(json.loads((case / "in.json").read_text())["request"])
    assert totals["rows"] == totals["llm/requests"] + totals["diffusion/requests"]
    for field in ("input_tokens", "output_tokens", "cached_input_tokens"):
        assert totals[f"rows/{field}"] == totals[f"llm/{field}"]

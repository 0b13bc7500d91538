"""A3: an evaluation is joined by its span's ids, or by the provider's name of the answer (peers 1.5)."""

from typing import Any

import pytest
from tests.support.gathering import Gathering
from tests.support.records import KEPT, SECOND_NS
from tests.unit.test_supplement import SERVICE, read, sent

from spanwand.events import CleanEvaluation, Evaluation
from spanwand.rows import feedback_row

ANSWER = "chatcmpl-0123456789abcdef"
JUDGED = {"gen_ai.evaluation.name": "fit", "gen_ai.evaluation.score.value": 1, "gen_ai.response.id": ANSWER}
CALL = bytes([7]) * 8


def judged(line: Gathering, at_s: float, **fields: Any) -> tuple[bytes, bytes, str]:
    found = Evaluation(**{"trace_id": b"", "span_id": b"", "time_ns": 0, "service": SERVICE, "name": "fit", **fields})
    rated = line.gather.rated(found, int(at_s * SECOND_NS))
    return rated.trace_id, rated.span_id, rated.response_id


def test_the_answer_names_the_call() -> None:
    """Who judges elsewhere has no span of it."""
    (found,) = read(sent("gen_ai.evaluation.result", JUDGED, span=False))
    assert isinstance(found, Evaluation)
    line = Gathering()
    line.call(0, 5, span_id=CALL, answer=ANSWER)
    rated = line.gather.rated(found, SECOND_NS)
    assert (rated.trace_id, rated.span_id, rated.score) == ((5).to_bytes(16), CALL, 1.0)


def test_it_is_known_for_as_long_as_its_trace_is_held() -> None:
    line = Gathering(late_s=60, idle_s=30)
    line.call(0, 5, span_id=CALL, answer=ANSWER)
    line.root(1, 5)
    line.wait(50)
    assert judged(line, 50, response_id=ANSWER) == ((5).to_bytes(16), CALL, "")
    line.wait(300)
    assert judged(line, 300, response_id=ANSWER) == (b"", b"", "")


def test_its_own_ids_hold_where_the_answer_is_not_known() -> None:
    assert judged(Gathering(), 0, trace_id=b"t" * 16, response_id=ANSWER) == (b"t" * 16, b"", "")


@pytest.mark.parametrize("answer", ["", "7", "1790000000000000000"])
def test_what_is_no_name_of_an_answer_joins_nothing(answer: str) -> None:
    line = Gathering()
    line.call(0, 5, span_id=CALL, answer=answer)
    assert judged(line, 1, response_id=answer) == (b"", b"", "")


def test_an_evaluation_of_nothing_that_is_known_is_a_row_all_the_same() -> None:
    (found,) = read(sent("gen_ai.evaluation.result", JUDGED, span=False))
    assert isinstance(found, Evaluation)
    known = {name: getattr(found, name) for name in found.__struct_fields__}
    assert feedback_row(CleanEvaluation(**known), KEPT)[:2] == (None, None)


def test_evaluations_of_two_answers_are_two() -> None:
    """They may be made in the same moment, with the same score."""
    bodies = [sent("gen_ai.evaluation.result", JUDGED | {"gen_ai.response.id": ANSWER + end}) for end in "ab"]
    assert len({found.key for found in read(*bodies) if isinstance(found, Evaluation)}) == 2

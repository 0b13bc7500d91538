"""P7, R31: the same figures by operation, exact where they add up."""

import pytest
from tests.support.records import LEFT, call

from spanwand.aggregate import Aggregate
from spanwand.config import LineConfig
from spanwand.drops import Drops
from spanwand.operations import Operation
from spanwand.record import Usage

OF_ONE_MODEL = (Operation.CHAT, Operation.EMBEDDINGS, Operation.RERANK)


def test_points_by_operation_add_up() -> None:
    """Those of one model too; quantiles are those of the operation's calls alone."""
    line = Aggregate(LineConfig(), Drops())
    for number in range(30):
        usage = Usage(input_tokens=number)
        line.generation(call(operation=OF_ONE_MODEL[number % 3], latency_s=number % 3 + 1, usage=usage), LEFT)
    line.generation(call(operation=Operation.IMAGE), LEFT)
    (update,) = line.close_window(rows_due=True)
    points = update.points
    by_operation = [points[f"llm/by_operation/{operation}/input_tokens"] for operation in OF_ONE_MODEL]
    assert by_operation == [sum(range(first, 30, 3)) for first in range(3)]
    assert sum(by_operation) == points["llm/input_tokens"] == points["llm/by_model/m/input_tokens"]
    assert points["llm/by_operation/rerank/latency_s/p50"] == pytest.approx(3, rel=0.01)
    assert points["diffusion/by_operation/image_generation/requests"] == 1
    assert "llm/by_operation/image_generation/requests" not in points

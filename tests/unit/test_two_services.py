"""P3: an app asks a gateway, which is a service of its own in the same trace, and both write down the call."""

from itertools import permutations
from typing import Any

import pytest
from tests.support.gathering import INNER, OUTER, USED, Gathering, span

GATEWAY = b"\x07" * 8
"""The gateway's server span, which calls no model: its local root."""


@pytest.mark.parametrize("order", list(permutations(["app", "server", "call"])))
def test_a_call_through_a_gateways_own_service_counts_once(order: tuple[str, ...]) -> None:
    """Also if the server span, which tells that one is below the other, ends last, and both write in one way."""
    line = Gathering()
    sent: dict[str, dict[str, Any]] = {"app": span(OUTER, at_s=99, for_s=3), "call": span(INNER, GATEWAY)}
    for name in order:
        if name == "server":
            line.root(0, span_id=GATEWAY, parent_span_id=OUTER)
        else:
            line.call(0, **sent[name])
    line.root(0)
    (request,) = line.wait(10)
    assert [call.usage for call in line.counted] == [USED]
    assert (request.generations, line.duplicates) == (1, {"nested": 1})

"""P3: the same conversation through every instrumentation gives the same tokens and the same cost."""

import pytest

from tests.golden.same_conversation import FIELDS, Said, conversations

CONVERSATIONS = conversations()


def name(sources: list[Said]) -> str:
    return f"{sources[0].case} {sources[0].models}"


@pytest.mark.parametrize("sources", CONVERSATIONS, ids=name)
def test_every_source_tells_the_same(sources: list[Said]) -> None:
    for said in sources:
        told = [field for field in FIELDS if field not in said.silent | said.wrong]
        assert said.unseen or {f: said.read[f] for f in told} == {f: said.answered[f] for f in told}, said.source


@pytest.mark.parametrize("sources", CONVERSATIONS, ids=name)
def test_every_source_that_tells_all_costs_the_same(sources: list[Said]) -> None:
    costs = {said.source: said.cost_usd for said in sources if said.exact}
    known = [cost for cost in costs.values() if cost is not None]
    assert len(known) in (0, len(costs)), costs
    assert all(cost == pytest.approx(known[0], rel=1e-9) for cost in known), costs

"""P9, R20: what a Request sums up in a replay is what its calls took, however long ago that was divided."""

import pytest
from tests.property.test_gpus import Call, Journal, configured, frames_of, replays, rows, run


@pytest.mark.parametrize(
    ("horizon_s", "late_s", "took_s", "quiet_s"), [(15, 40, 20, 32), (15, 15, 20, 12), (60, 40, 90, 35)]
)
def test_a_replay_amends_a_request_with_the_shares_it_had(
    horizon_s: int, late_s: int, took_s: int, quiet_s: int
) -> None:
    """Its first call is decided, and its readings are nobody's, long before the late one comes (P9, R20)."""
    config = configured(horizon_s, late_s)
    first = Call("studio", 1, 1, 0, "small", 0.0, took_s, "0", is_root=True)
    late = Call("studio", 1, 2, 1, "small", 0.0, 4.0, "0", is_root=False)
    readings: Journal = [(1, None, True)]
    frames = frames_of(
        [*readings * (took_s + 10), (1, first, True), *readings * quiet_s, (1, late, True), *readings * 30]
    )
    assert [row["revision"] for row in rows(run(config, frames), "requests")] == [1, 2]
    replays(config, frames)

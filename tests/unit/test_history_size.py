"""Nothing in a run's history grows with time: a window of the second day is as large as one of the first hour (R26)."""

import json

from tests.support.records import KEPT, call, request

from spanwand.aggregate import Aggregate
from spanwand.config import LineConfig
from spanwand.drops import Drops

WINDOWS = 150
WINDOW_NS = 10_000_000_000


def test_windows_of_the_same_traffic_have_the_same_keys_and_size() -> None:
    """With as many models, sessions and traces as one likes: names that are new in each window count as `other`."""
    line = Aggregate(LineConfig(), Drops())
    keys, sizes = [], []
    for window in range(WINDOWS):
        line.open_window(window, window * WINDOW_NS)
        for number in range(20):
            new = f"{window}-{number}"
            line.generation(call(window * 20 + number, request_model=f"m{number % 3}", session_id=new), KEPT)
            line.generation(call(window * 20 + number, request_model=f"fine-tuned-{new}"), KEPT)
            line.request(request(window * 20 + number, session_id=new), KEPT)
        points = [dict(update.points) for update in line.close_window(rows_due=True)]
        keys.append({key for each in points for key in each})
        sizes.append(len(json.dumps(points)))
    settled = keys[10:]
    assert all(each == settled[0] for each in settled)
    assert max(sizes[10:]) < 1.05 * min(sizes[10:])

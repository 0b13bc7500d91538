"""How the answers of one window were judged, for one run."""

from collections import defaultdict

import msgspec

from spanwand.events import Evaluation
from spanwand.metrics import in_a_key

_MOST_NAMES = 50
_OTHER = "other"
_NAME_MAX_CHARS = 64
_LARGEST = 2.0**53


class _Score(msgspec.Struct):
    """Of one name."""

    count: int = 0
    scored: int = 0
    sum: float = 0.0


class Scores:
    """Counts and means by the evaluation's name; names over the limit are counted as one."""

    def __init__(self) -> None:
        self._scores: defaultdict[str, _Score] = defaultdict(_Score)

    def add(self, evaluation: Evaluation) -> None:
        """Count an evaluation; its score too, if it is a number that can be added up."""
        name = in_a_key(evaluation.name[:_NAME_MAX_CHARS])
        score = self._scores[name if name in self._scores or len(self._scores) < _MOST_NAMES else _OTHER]
        score.count += 1
        value = evaluation.score
        if value is not None and -_LARGEST <= value <= _LARGEST:
            score.scored += 1
            score.sum += value

    def points(self) -> dict[str, float | int]:
        """The points of the window, by key."""
        points: dict[str, float | int] = {}
        for name, score in self._scores.items():
            points[f"evaluation/{name}/count"] = score.count
            if score.scored:
                points[f"evaluation/{name}/score"] = score.sum / score.scored
        return points

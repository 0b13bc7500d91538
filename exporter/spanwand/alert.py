"""The stage behind the windows: says aloud what the metrics of late add up to, by the rules of `alerts`.

An alert begins when its figure is beyond the rule's limit and is over when it is back at the safer one, so that a
figure about the limit does not make one a window. What a rule knows of a run are the windows of its last `over_s`
seconds: so much is lost by a restart, and made good by the frames that it replays.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import NamedTuple

import msgspec

from spanwand.alert_rule import AlertRule, Figure
from spanwand.batch import Alert, RunKey, RunUpdate

_TITLE_MAX_CHARS = 63
_NS = 1_000_000_000


class _Window(NamedTuple):
    end_ns: int
    amount: float
    base: float


class _Known(msgspec.Struct):
    """Mutable: what one rule knows of one run. `is_owed`: it has begun and was not said yet. `is_said`: it was, and
    not that it is over."""

    windows: deque[_Window]
    since_ns: int
    judged_ns: int
    said_ns: int | None = None
    is_on: bool = False
    is_owed: bool = False
    is_said: bool = False


class Alerts:
    """Applies `rules` to each run by itself. Windows of `window_s` seconds, in order."""

    def __init__(self, rules: Sequence[AlertRule], window_s: int) -> None:
        self._window_ns = window_s * _NS
        self._rules = tuple(_Rule(rule, self._window_ns) for rule in rules)
        self._since_ns: int | None = None

    def __call__(self, updates: tuple[RunUpdate, ...], start_ns: int) -> tuple[RunUpdate, ...]:
        """Return the updates of the window from `start_ns` on, with what is to be said about their runs."""
        if self._since_ns is None:
            self._since_ns = start_ns
        end_ns = start_ns + self._window_ns
        for rule in self._rules:
            rule.forget(end_ns)
        return tuple(self._with_alerts(update, end_ns, end_ns - self._since_ns) for update in updates)

    @property
    def runs(self) -> int:
        """How many runs are known, once for each rule."""
        return sum(rule.runs for rule in self._rules)

    def _with_alerts(self, update: RunUpdate, end_ns: int, known_ns: int) -> RunUpdate:
        said = (rule.judge(update.run, update.points, end_ns, known_ns) for rule in self._rules)
        alerts = tuple(alert for alert in said if alert)
        return msgspec.structs.replace(update, alerts=alerts) if alerts else update


class _Rule:
    """One rule and what it knows of the runs of late."""

    def __init__(self, rule: AlertRule, window_ns: int) -> None:
        self._rule = rule
        self._figure = rule.made_of
        self._window_ns = window_ns
        self._over_ns = -(-rule.over_s * _NS // window_ns) * window_ns
        self._every_ns = rule.every_s * _NS
        self._known: dict[RunKey, _Known] = {}

    @property
    def runs(self) -> int:
        """How many runs it knows of."""
        return len(self._known)

    def forget(self, now_ns: int) -> None:
        """Let go of the runs about which nothing was heard for so long that it cannot matter."""
        until_ns = now_ns - max(self._over_ns, self._every_ns)
        self._known = {run: known for run, known in self._known.items() if known.judged_ns > until_ns}

    def judge(self, run: RunKey, points: Mapping[str, float], end_ns: int, known_ns: int) -> Alert | None:
        """Take a window of a run; say what is to be said."""
        window = _window(self._figure, points, end_ns, is_known=run in self._known)
        if window is None:
            return None
        known = self._known.setdefault(run, _Known(deque(), end_ns - self._window_ns, end_ns))
        if known.judged_ns < end_ns - self._window_ns:
            self._settle(known, end_ns - self._window_ns)
        known.windows.append(window)
        known.judged_ns = end_ns
        value = self._settle(known, end_ns)
        if self._rule.side == "below":  # of a run that has just begun there is little, and that is no news
            known_ns = min(known_ns, end_ns - known.since_ns)
        if value is None or known_ns < self._over_ns:
            return None
        if self._rule.is_beyond(value) and not known.is_on:
            known.is_on = known.is_owed = True
        return self._alert(run, value, end_ns, is_on=known.is_on) if self._is_news(known, end_ns) else None

    def _is_news(self, known: _Known, end_ns: int) -> bool:
        """Whether there is something to say: a begin not too soon after the one before, or the end of what was said."""
        if known.is_owed and (known.said_ns is None or end_ns - known.said_ns >= self._every_ns):
            known.said_ns, known.is_owed, known.is_said = end_ns, False, True
            return True
        if known.is_said and not known.is_on:
            known.is_said = False
            return self._rule.send_resolved
        return False

    def _settle(self, known: _Known, now_ns: int) -> float | None:
        """The figure at a moment. What is over is over; a figure that is not known says so too."""
        while known.windows and known.windows[0].end_ns <= now_ns - self._over_ns:
            known.windows.popleft()
        value = _value(self._figure, known.windows, self._over_ns)
        if value is None or self._rule.is_cleared(value):
            known.is_on = known.is_owed = False
        return value

    def _alert(self, run: RunKey, value: float, end_ns: int, *, is_on: bool) -> Alert:
        rule, over_s = self._rule, self._over_ns // _NS
        until = datetime.fromtimestamp(end_ns / _NS, UTC).isoformat(timespec="seconds")
        limit = f"{rule.side} {rule.limit:g}"
        end = f"{limit}. It is over at {rule.clear_at:g}." if is_on else f"no longer {limit}."
        return Alert(
            title=f"{'' if is_on else 'resolved: '}{rule.figure} {limit}"[:_TITLE_MAX_CHARS],
            text=f"{run.group}, {run.name}: {rule.figure} is {value:.4g} over the {over_s} s until {until}, {end}",
            level=rule.level if is_on else "INFO",
            figure=rule.figure,
            value=value,
        )


def _window(figure: Figure, points: Mapping[str, float], end_ns: int, *, is_known: bool) -> _Window | None:
    """What a window adds to a figure; None if nothing. To a sum over time of a run that had some, a 0 is something."""
    amounts = [points[name] for name in figure.of if name in points]
    if not amounts and not (is_known and figure.per in ("hour", "time")):
        return None
    base = sum(points.get(name, 0) for name in figure.per) if isinstance(figure.per, tuple) else 1
    return _Window(end_ns, sum(amounts), base)


def _value(figure: Figure, windows: Iterable[_Window], over_ns: int) -> float | None:
    """The figure of some windows; None if they are too few to judge by."""
    base = sum(window.base for window in windows)
    if base < figure.at_least:
        return None
    if figure.per == "window":
        return median(window.amount for window in windows)
    amount = sum(window.amount for window in windows)
    if figure.per == "hour":
        return amount * 3_600 * _NS / over_ns
    return amount if figure.per == "time" else amount / base

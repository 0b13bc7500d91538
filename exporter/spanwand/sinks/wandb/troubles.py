"""Why a batch is not in yet, in words for `spanwand status`. An API key never gets into them."""

import re

from spanwand.outcomes import Delivered, Outcome, Retry
from spanwand.sinks.wandb.core_log import Problem
from spanwand.sinks.wandb.settings import NotStarted

RETRY_CRASHED_S = 1.0
RETRY_LATER_S = 10.0
RETRY_LIMITED_S = 30.0
"""After a 429: wandb-core heeds `Retry-After` by itself, but when a run has to be started not for longer than the start
may take."""
TOO_MANY_REQUESTS = 429
MAX_REASON_CHARS = 300


class Troubles:
    """What went wrong while one batch was written. Every kind of trouble is worth another try."""

    def __init__(self, secret: str | None) -> None:
        self._secret = secret
        self._reasons: dict[str, float] = {}
        self.is_getting_on = False
        """More is in than before, or it is clearer what cannot be."""

    def add(self, why: str, after_s: float = RETRY_LATER_S) -> None:
        """Note a reason, once."""
        self._reasons.setdefault(self._clean(why), after_s)

    def add_error(self, doing: str, error: BaseException) -> None:
        """Note an exception out of wandb."""
        status = error.problem.status if isinstance(error, NotStarted) else 0
        self.add(f"{doing}: {explain(error)}", RETRY_LIMITED_S if status == TOO_MANY_REQUESTS else RETRY_LATER_S)

    @property
    def outcome(self) -> Outcome:
        """Delivered if there was none; else try again, as soon as the least of them allows."""
        if not self._reasons:
            return Delivered()
        return Retry(min(self._reasons.values()), "; ".join(self._reasons)[:MAX_REASON_CHARS], self.is_getting_on)

    def _clean(self, why: str) -> str:
        text = why.replace(self._secret, "***") if self._secret else why
        return re.sub(r"\s+", " ", text).strip()


def explain(error: BaseException) -> str:
    """One line about an exception out of wandb, which says of some only '<no message>'."""
    text = str(error)
    if isinstance(error, NotStarted):
        return explain_problem(error.problem)
    if "imed out" in text or "respond in time" in text or isinstance(error, TimeoutError):
        return "W&B did not answer in time"
    if type(error).__name__ == "AuthenticationError" or re.search(r"\b401\b|not logged in", text):
        return f"W&B does not accept the API key ({text or 'no message'})"
    if not text or text == "<no message>":
        return f"W&B refused ({type(error).__name__}, no reason given; a wrong API key looks like this)"
    return f"{type(error).__name__}: {text}"


def explain_problem(problem: Problem) -> str:
    """How W&B answered, and what that is about."""
    known = {401: "W&B does not accept the API key", 403: "W&B forbids this to the API key"}
    return f"{known[problem.status]} ({problem.text})" if problem.status in known else str(problem)

"""The third stage: what a call cost, by the price tables (`prices/`). Unknown is unknown, never 0."""

import msgspec

from spanwand.config import PriceConfig
from spanwand.operations import FAMILY_OF
from spanwand.prices.book import PriceBook
from spanwand.record import Cost, Generation


class Price:
    """Adds the computed cost to generations. One without stays unknown; the metric `unpriced` counts those by model."""

    def __init__(self, config: PriceConfig = PriceConfig()) -> None:  # noqa: B008  frozen
        """Raises ConfigError for a price file that cannot be read or is not right."""
        self.book = PriceBook(config)
        self._tolerance = config.tolerance

    def __call__(self, generation: Generation) -> Generation:
        """Return the generation with its computed cost, which stays `None` if a price or the usage is unknown."""
        if generation.operation not in FAMILY_OF:
            return generation
        cost_usd = self.book.usd(generation)
        if cost_usd is None:
            return generation
        reported_usd = generation.cost.reported_usd
        mismatched = None if reported_usd is None else self._differ(reported_usd, cost_usd)
        cost = Cost(reported_usd=reported_usd, computed_usd=cost_usd, mismatched=mismatched)
        return msgspec.structs.replace(generation, cost=cost)

    def _differ(self, reported_usd: float, computed_usd: float) -> bool:
        return abs(reported_usd - computed_usd) > self._tolerance * max(reported_usd, computed_usd)

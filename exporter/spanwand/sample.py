"""Which Table rows are kept, and what each stands for. It marks and never removes: metrics count everything."""

import logging
from collections.abc import Mapping

from spanwand.batch import Verdict
from spanwand.config import SampleConfig
from spanwand.ports import Sampler
from spanwand.record import Clean
from spanwand.request import Request
from spanwand.samplers import SAMPLERS

_log = logging.getLogger(__name__)
_KEPT_BY_DEFAULT = Verdict(keep=True, weight=1.0, reason="default")


class Sample:
    """The chain of samplers, for generations and requests alike. The first that answers wins; if none does: keep."""

    def __init__(self, config: SampleConfig, samplers: Mapping[str, Sampler] | None = None) -> None:
        """`samplers` by name, in order; those of the registry if not given."""
        chain = samplers or {name: sampler(config) for name, sampler in SAMPLERS.items()}
        self._samplers = tuple(chain.items())
        self._broken: set[str] = set()

    def __call__(self, record: Clean | Request) -> Verdict:
        """Decide about one record's row. A sampler that raises keeps the row."""
        for name, sampler in self._samplers:
            try:
                verdict = sampler(record)
            except Exception:  # noqa: BLE001 - a sampler may be anyone's, and must not stop the line
                return self._failed(name)
            if verdict is not None:
                return verdict
        return _KEPT_BY_DEFAULT

    def _failed(self, name: str) -> Verdict:
        if name not in self._broken:
            self._broken.add(name)
            _log.exception("sampler %s failed; rows it fails on are kept (this is logged once)", name)
        return Verdict(keep=True, weight=1.0, reason=f"{name}_failed")

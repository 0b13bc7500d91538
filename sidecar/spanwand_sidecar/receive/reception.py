"""What all doors share."""

from dataclasses import dataclass, field

from spanwand.config import MediaConfig
from spanwand_sidecar.journal import Journal
from spanwand_sidecar.receive.admission import Admission
from spanwand_sidecar.receive.bearer import Tokens
from spanwand_sidecar.receive.config import ReceiveConfig
from spanwand_sidecar.receive.counters import Counters
from spanwand_sidecar.receive.tls import Tls


@dataclass(frozen=True)
class Reception:
    """Where requests go, what they may ask for, and who may ask at an address that others can reach."""

    journal: Journal
    limits: ReceiveConfig = field(default_factory=ReceiveConfig)
    counters: Counters = field(default_factory=Counters)
    tls: Tls | None = None
    tokens: Tokens | None = None
    media: MediaConfig = field(default_factory=MediaConfig)
    admission: Admission = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "admission", Admission(self.limits.max_in_flight_bytes, self.limits.retry_after_s))

"""The doors: OTLP over gRPC and HTTP, into the journal."""

from spanwand_sidecar.receive.addresses import CannotListen
from spanwand_sidecar.receive.config import ReceiveConfig
from spanwand_sidecar.receive.counters import Counters
from spanwand_sidecar.receive.refusal import Refusal, RefusalReason
from spanwand_sidecar.receive.signals import Signal

__all__ = ["CannotListen", "Counters", "ReceiveConfig", "Refusal", "RefusalReason", "Signal"]

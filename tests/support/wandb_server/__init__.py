"""A loopback server that speaks W&B's protocol for the real wandb SDK 0.31, for tests.

It keeps what it is sent, injects faults on request and lists whatever it did not understand. Standard library only.
"""

from tests.support.wandb_server.faults import Fault, Faults
from tests.support.wandb_server.front import Exchange
from tests.support.wandb_server.runs import Run
from tests.support.wandb_server.server import API_KEY, WandbServer
from tests.support.wandb_server.tables import Table

__all__ = ["API_KEY", "Exchange", "Fault", "Faults", "Run", "Table", "WandbServer"]

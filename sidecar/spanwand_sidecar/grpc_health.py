"""`grpc.health.v1` on the OTLP port: what a Kubernetes probe or a load balancer asks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc.aio
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthServicer, add_HealthServicer_to_server

from spanwand_sidecar.receive.signals import GRPC_METHODS

WATCH_S = 1.0
SERVICES = frozenset({"", *(method.split("/")[1] for method in GRPC_METHODS)})
"""Names that can be asked for; the empty one is the server as a whole."""
Context = grpc.aio.ServicerContext[HealthCheckRequest, HealthCheckResponse]


def register(is_ready: Callable[[], bool]) -> Callable[[grpc.aio.Server], None]:
    """Adds the service to a server; `is_ready` answers for all names alike."""
    return lambda server: add_HealthServicer_to_server(_Health(is_ready), server)


class _Health(HealthServicer):
    def __init__(self, is_ready: Callable[[], bool]) -> None:
        self._is_ready = is_ready

    async def Check(self, request: HealthCheckRequest, context: Context) -> HealthCheckResponse:
        if request.service not in SERVICES:
            context.set_code(grpc.StatusCode.NOT_FOUND)
            context.set_details("no such service")
        return self._answer(request.service)

    async def Watch(self, request: HealthCheckRequest, _context: Context) -> AsyncIterator[HealthCheckResponse]:
        last: Any = None
        while True:
            answer = self._answer(request.service)
            if answer != last:
                yield answer
            last = answer
            await asyncio.sleep(WATCH_S)

    def _answer(self, service: str) -> HealthCheckResponse:
        if service not in SERVICES:
            return HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN)
        ready = self._is_ready()
        return HealthCheckResponse(status=HealthCheckResponse.SERVING if ready else HealthCheckResponse.NOT_SERVING)

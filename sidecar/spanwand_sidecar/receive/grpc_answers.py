"""What the gRPC door answers to a request that it does not take."""

from typing import NoReturn, TypeAlias

import grpc
import grpc.aio

from spanwand_sidecar.receive.refusal import Refusal

Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


async def abort(context: Context, refusal: Refusal) -> NoReturn:
    """Say why in the status and its details; RetryInfo once more by itself, where the Python exporter looks for it."""
    metadata: list[tuple[str, str | bytes]] = [("grpc-status-details-bin", refusal.status())]
    if refusal.codes.retry:
        metadata.append(("google.rpc.retryinfo-bin", refusal.retry_info().SerializeToString()))
    await context.abort(_CODES[refusal.codes.grpc], refusal.message, tuple(metadata))
    raise AssertionError("abort does not return")

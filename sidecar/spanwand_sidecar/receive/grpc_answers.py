"""What the gRPC door answers to a request that it does not take."""

from typing import TypeAlias

import grpc
import grpc.aio

from spanwand_sidecar.receive.refusal import Refusal

Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


def refuse(context: Context, refusal: Refusal) -> None:
    """Say why in the status and its details; RetryInfo once more by itself, where the Python exporter looks for it.

    The handler returns then. `context.abort` would leave an exception that refers to the call, which keeps its stream
    until garbage is collected: behind 100 such, gRPC resets all that come on the connection, and no garbage is made.
    """
    metadata: list[tuple[str, str | bytes]] = [("grpc-status-details-bin", refusal.status())]
    if refusal.codes.retry:
        metadata.append(("google.rpc.retryinfo-bin", refusal.retry_info().SerializeToString()))
    context.set_trailing_metadata(tuple(metadata))
    context.set_code(_CODES[refusal.codes.grpc])
    context.set_details(refusal.message)

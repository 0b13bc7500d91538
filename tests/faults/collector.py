"""The smallest OTLP collector: counts how often each span came. What stands behind Rotel."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.faults.otlp import EXPORT, SpanKey


class Collector(grpc.GenericRpcHandler):
    """Serves on its port from `up` to `down`; keeps its counts."""

    def __init__(self, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self.spans: Counter[SpanKey] = Counter()
        self._lock = threading.Lock()
        self._server: grpc.Server | None = None

    def up(self) -> None:
        """Begin to serve."""
        self._server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", 1 << 28)])
        self._server.add_generic_rpc_handlers((self,))
        self._server.add_insecure_port(self.address)
        self._server.start()

    def down(self) -> None:
        """Refuse connections."""
        if self._server:
            self._server.stop(0).wait()
            self._server = None

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        if handler_call_details.method != EXPORT:
            return None
        return grpc.unary_unary_rpc_method_handler(self._export)

    def _export(self, body: bytes, context: grpc.ServicerContext) -> bytes:
        request = ExportTraceServiceRequest.FromString(body)
        came = [
            (span.trace_id.hex(), span.span_id.hex())
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self.spans.update(came)
        return b""

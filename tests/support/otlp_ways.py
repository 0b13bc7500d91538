"""Every way in which OTLP can be sent: gRPC or HTTP, protobuf or JSON, plain or gzip; one answer for all of them."""

import base64
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import grpc
import httpx
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from google.rpc import error_details_pb2  # so that details of a Status can be read
from google.rpc.status_pb2 import Status

from spanwand_sidecar.receive import Signal
from spanwand_sidecar.receive import grpc as grpc_door
from spanwand_sidecar.receive import http as http_door
from spanwand_sidecar.receive.otlp_json import REQUESTS
from spanwand_sidecar.receive.reception import Reception
from spanwand_sidecar.receive.signals import GRPC_METHODS

METHODS = {signal: method for method, signal in GRPC_METHODS.items()}
IDS = frozenset({"traceId", "spanId", "parentSpanId"})
HTTP_OK = 200


class Way(NamedTuple):
    """How a request is sent."""

    transport: str
    form: str
    encoding: str

    def __str__(self) -> str:
        return "-".join(self)


WAYS = (
    Way("grpc", "protobuf", "identity"),
    Way("grpc", "protobuf", "gzip"),
    *(Way("http", form, encoding) for form in ("protobuf", "json") for encoding in ("identity", "gzip")),
)
MEDIA_TYPES = {"protobuf": "application/x-protobuf", "json": "application/json"}


class Answer(NamedTuple):
    """`code` is gRPC's or HTTP's; `retry_s` what every place that says it says; `status` None on success."""

    code: int
    body: bytes
    status: Status | None
    retry_s: float | None
    content_type: str


class Doors(NamedTuple):
    """Both doors, open."""

    channel: grpc.Channel
    client: httpx.Client

    def send(self, way: Way, signal: Signal, body: bytes) -> Answer:
        """Send bytes in the form of the way. An error without a google.rpc.Status fails here."""
        return self._grpc(way, signal, body) if way.transport == "grpc" else self._http(way, signal, body)

    def _grpc(self, way: Way, signal: Signal, body: bytes) -> Answer:
        compression = grpc.Compression.Gzip if way.encoding == "gzip" else grpc.Compression.NoCompression
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self.channel.unary_unary(METHODS[signal])
        try:
            return Answer(0, call(body, timeout=20, compression=compression), None, None, "application/grpc")
        except grpc.RpcError as error:
            return _refusal(error)

    def _http(self, way: Way, signal: Signal, body: bytes) -> Answer:
        headers = {"content-type": MEDIA_TYPES[way.form], "content-encoding": way.encoding}
        content = gzip.compress(body, 1) if way.encoding == "gzip" else body
        answer = self.client.post(f"/v1/{signal}", content=content, headers=headers)
        if answer.status_code == HTTP_OK:
            return Answer(HTTP_OK, answer.content, None, None, answer.headers["content-type"])
        status = read_status(answer)
        retry_s = answer.headers.get("retry-after")
        assert (retry_s is None) == (_delay_s(status) is None)
        return Answer(
            answer.status_code,
            answer.content,
            status,
            float(retry_s) if retry_s else None,
            answer.headers["content-type"],
        )


def _refusal(error: Any) -> Answer:
    """What grpc's core refuses by itself (too large a message) comes without details."""
    found = {entry.key: entry.value for entry in error.trailing_metadata() or ()}
    code = error.code().value[0]
    status = Status.FromString(found.get("grpc-status-details-bin", b""))
    if "grpc-status-details-bin" in found:
        assert (status.code, status.message) == (code, error.details())
    assert (_delay_s(status) is not None) == ("google.rpc.retryinfo-bin" in found)
    return Answer(code, b"", status, _delay_s(status), "application/grpc")


def read_status(answer: httpx.Response) -> Status:
    """The body of an error, in the form its Content-Type says."""
    if answer.headers["content-type"] == MEDIA_TYPES["json"]:
        return ParseDict(answer.json(), Status())
    assert answer.headers["content-type"] == MEDIA_TYPES["protobuf"]
    return Status.FromString(answer.content)


def _delay_s(status: Status) -> float | None:
    for detail in status.details:
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            return float(info.retry_delay.ToMilliseconds()) / 1000
    return None


@contextmanager
def doors(reception: Reception) -> Iterator[Doors]:
    """Both doors of a reception, with clients."""
    grpc_server = grpc_door.serve(["127.0.0.1:0"], reception)
    http_server = http_door.serve("127.0.0.1:0", reception)
    unlimited = [("grpc.max_send_message_length", -1)]
    try:
        with (
            grpc.insecure_channel(grpc_server.addresses[0], unlimited) as channel,
            httpx.Client(base_url=f"http://{http_server.addresses[0]}", trust_env=False, timeout=20) as client,
        ):
            yield Doors(channel, client)
    finally:
        grpc_server.stop(1.0)
        http_server.stop(1.0)


def written(way: Way, signal: Signal, body: bytes) -> bytes:
    """A protobuf request in the form of the way."""
    if way.form == "protobuf":
        return body
    return json.dumps(_hex_ids(_to_dict(REQUESTS[signal].FromString(body)))).encode()


def _to_dict(message: Message) -> Any:
    return MessageToDict(message, use_integers_for_enums=True)


def _hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_hex_ids(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {k: base64.b64decode(v).hex() if k in IDS else _hex_ids(v) for k, v in value.items()}

"""Why a request was not acknowledged, and how that is said in gRPC and in HTTP."""

from enum import StrEnum

import msgspec
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status

_TYPE_URL = "type.googleapis.com/google.rpc."


class RefusalReason(StrEnum):
    """Closed; every member has its codes in `CODES`."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TOO_MANY_SPANS = "too_many_spans"
    TOO_COSTLY = "too_costly"
    UNSUPPORTED_TYPE = "unsupported_type"
    WRONG_HOST = "wrong_host"
    UNAUTHENTICATED = "unauthenticated"
    HEADERS_TOO_LARGE = "headers_too_large"
    NOT_FOUND = "not_found"
    WRONG_METHOD = "wrong_method"
    OVERLOADED = "overloaded"
    JOURNAL_FULL = "journal_full"
    JOURNAL_SICK = "journal_sick"
    CLOSING = "closing"
    FAILED = "failed"


class Codes(msgspec.Struct, frozen=True):
    """A gRPC code, an HTTP status, and whether the sender should try again."""

    grpc: int
    http: int
    retry: bool = False


CODES = {
    RefusalReason.MALFORMED: Codes(Code.INVALID_ARGUMENT, 400),
    RefusalReason.TOO_LARGE: Codes(Code.RESOURCE_EXHAUSTED, 413),
    RefusalReason.TOO_MANY_SPANS: Codes(Code.RESOURCE_EXHAUSTED, 413),
    RefusalReason.TOO_COSTLY: Codes(Code.RESOURCE_EXHAUSTED, 413),
    RefusalReason.UNSUPPORTED_TYPE: Codes(Code.INVALID_ARGUMENT, 415),
    RefusalReason.WRONG_HOST: Codes(Code.PERMISSION_DENIED, 403),
    RefusalReason.UNAUTHENTICATED: Codes(Code.UNAUTHENTICATED, 401),
    RefusalReason.HEADERS_TOO_LARGE: Codes(Code.RESOURCE_EXHAUSTED, 431),
    RefusalReason.NOT_FOUND: Codes(Code.UNIMPLEMENTED, 404),
    RefusalReason.WRONG_METHOD: Codes(Code.UNIMPLEMENTED, 405),
    RefusalReason.OVERLOADED: Codes(Code.UNAVAILABLE, 503, retry=True),
    RefusalReason.JOURNAL_FULL: Codes(Code.UNAVAILABLE, 503, retry=True),
    RefusalReason.JOURNAL_SICK: Codes(Code.UNAVAILABLE, 503, retry=True),
    RefusalReason.CLOSING: Codes(Code.UNAVAILABLE, 503, retry=True),
    RefusalReason.FAILED: Codes(Code.UNAVAILABLE, 503, retry=True),
}
"""As OTLP 1.11 asks: RESOURCE_EXHAUSTED without RetryInfo and every 4xx but 429 are final for the sender."""


class Refusal(Exception):
    """A request is not acknowledged. `message` is for the sender and never repeats what it sent."""

    def __init__(self, reason: RefusalReason, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after_s = retry_after_s

    @property
    def codes(self) -> Codes:
        """How it is said on the wire."""
        return CODES[self.reason]

    def retry_info(self) -> RetryInfo:
        """When to try again."""
        delay = Duration()
        delay.FromNanoseconds(int(self.retry_after_s * 1e9))
        return RetryInfo(retry_delay=delay)

    def status(self) -> bytes:
        """A serialised google.rpc.Status: with RetryInfo if the sender should try again, BadRequest if it is wrong."""
        status = Status(code=self.codes.grpc, message=self.message)
        if self.codes.retry:
            status.details.add().Pack(self.retry_info())
        if self.codes.grpc == Code.INVALID_ARGUMENT:
            status.details.add().Pack(BadRequest(field_violations=[self._violation()]))
        return bytes(status.SerializeToString())

    def status_json(self) -> bytes:
        """The same Status in protobuf's JSON."""
        details: list[dict[str, object]] = []
        if self.codes.retry:
            details.append({"@type": f"{_TYPE_URL}RetryInfo", "retryDelay": f"{self.retry_after_s:.9g}s"})
        if self.codes.grpc == Code.INVALID_ARGUMENT:
            details.append({"@type": f"{_TYPE_URL}BadRequest", "fieldViolations": [{"description": self.message}]})
        return msgspec.json.encode({"code": self.codes.grpc, "message": self.message, "details": details})

    def _violation(self) -> BadRequest.FieldViolation:
        return BadRequest.FieldViolation(description=self.message)

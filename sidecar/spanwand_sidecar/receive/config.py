"""What a user may write about the doors: what a sender may ask for, and who may ask."""

from pydantic import Field

from spanwand.config import Section


class ReceiveConfig(Section):
    """Limits on requests. A byte limit alone bounds no memory: an empty span is 2 bytes here and 170 when parsed."""

    max_message_bytes: int = Field(default=32 << 20, ge=1 << 10)
    """Largest request, before and after inflation; the line takes several times that for it."""
    max_grpc_message_bytes: int = Field(default=8 << 20, ge=1 << 10)
    """Largest over gRPC, which holds a message as a whole, twice, before it can be looked at; as many are received at
    once as fit into `max_in_flight_bytes`."""
    max_spans: int = Field(default=100_000, gt=0)
    """Most spans (and parts around them) in one request."""
    max_parsed_bytes: int = Field(default=64 << 20, ge=1 << 16)
    """Largest estimated memory of one request when parsed, which can be many times its size."""
    max_in_flight_bytes: int = Field(default=48 << 20, gt=0)
    """Estimated memory of all requests not yet on disk; above it senders are told to retry. One is always let in."""
    request_timeout_s: float = Field(default=30.0, gt=0)
    """OTLP/HTTP: longest time from a request's first byte to its last; then the connection is closed. gRPC: the same
    for the beginning of a connection, and for all of an uploaded image."""
    max_connections: int = Field(default=1000, gt=0)
    """OTLP/HTTP: open connections at most; further ones are closed at once."""
    retry_after_s: float = Field(default=1.0, gt=0)
    """What senders are told to wait when the journal is full or the disk refuses."""


class TlsConfig(Section):
    """TLS 1.2 or newer on every address that is not loopback. Files are read again when they change."""

    cert_file: str = ""
    """Certificate chain in PEM, the server's own first."""
    key_file: str = ""
    """Its private key in PEM, without a passphrase."""
    client_ca_file: str = ""
    """Certificates in PEM that clients' must be signed by (mTLS). Empty: clients need none."""


class AuthConfig(Section):
    """Who may use an address that is not loopback."""

    token_file: str = ""
    """File with bearer tokens, one a line, any of which is let in; read again when it changes."""

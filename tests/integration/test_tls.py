"""TLS, client certificates and tokens on what others can reach (battery R38, R39), with a real daemon."""

import http.client
import socket
import ssl
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
import trustme
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.support.daemon import RunningDaemon, daemon, spanwand
from tests.support.doors import trace_request

TOKEN = "correct-horse-battery"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
BODY = trace_request(1)


class Files(NamedTuple):
    """What an operator writes."""

    directory: Path
    ca: trustme.CA

    def issue(self, name: str = "127.0.0.1") -> None:
        """Write a new certificate and its key."""
        server = self.ca.issue_cert(name)
        server.private_key_pem.write_to_path(self.directory / "tls.key")
        server.cert_chain_pems[0].write_to_path(self.directory / "tls.crt")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path, trustme.CA())
    made.issue()
    made.ca.cert_pem.write_to_path(tmp_path / "ca.crt")
    (tmp_path / "tokens").write_text(f"{TOKEN}\n")
    return made


def settings(files: Files, *, mutual: bool = False, token: bool = True) -> dict[str, str]:
    chosen = {
        **{f"LISTEN__{name}": "0.0.0.0:0" for name in ("GRPC", "HTTP", "ADMIN")},
        "TLS__CERT_FILE": str(files.directory / "tls.crt"),
        "TLS__KEY_FILE": str(files.directory / "tls.key"),
    }
    if mutual:
        chosen["TLS__CLIENT_CA_FILE"] = str(files.directory / "ca.crt")
    if token:
        chosen["AUTH__TOKEN_FILE"] = str(files.directory / "tokens")
    return chosen


def port(address: str) -> int:
    return int(address.rpartition(":")[2])


def client_context(files: Files, client: trustme.LeafCert | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    files.ca.configure_trust(context)
    if client:
        client.configure_cert(context)
    return context


def post(running: RunningDaemon, context: ssl.SSLContext, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPSConnection("127.0.0.1", port(running.endpoints.http), timeout=5, context=context)
    try:
        connection.request("POST", "/v1/traces", BODY, {"content-type": "application/x-protobuf", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def get(running: RunningDaemon, path: str, context: ssl.SSLContext, **headers: str) -> int:
    connection = http.client.HTTPSConnection("127.0.0.1", port(running.endpoints.admin), timeout=5, context=context)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def export(running: RunningDaemon, files: Files, token: str = TOKEN, client: trustme.LeafCert | None = None) -> str:
    """OK or the name of the code."""
    pair = (client.private_key_pem.bytes(), client.cert_chain_pems[0].bytes()) if client else (None, None)
    credentials = grpc.ssl_channel_credentials(files.ca.cert_pem.bytes(), *pair)
    with grpc.secure_channel(f"127.0.0.1:{port(running.endpoints.grpc[0])}", credentials) as channel:
        call: Any = channel.unary_unary(EXPORT)
        future = call.future(BODY, timeout=5, metadata=[("authorization", f"Bearer {token}")])
        assert token not in (future.details() or "")
        return str(future.code().name)


@pytest.mark.parametrize("missing", ["TLS__CERT_FILE", "AUTH__TOKEN_FILE"])
def test_without_tls_and_auth_nothing_starts(tmp_path: Path, files: Files, missing: str) -> None:
    """R38: one clear line, exit code 2."""
    chosen = settings(files) | {missing: ""}
    if missing == "TLS__CERT_FILE":
        chosen["TLS__KEY_FILE"] = ""
    ended = spanwand(tmp_path / "data", "up", **chosen)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "listen.grpc: 0.0.0.0:0 is not loopback: it needs" in line


@pytest.mark.parametrize(
    ("name", "text"), [("tokens", "short\n"), ("tokens", ""), ("tls.key", "no key"), ("tls.crt", "no certificate")]
)
def test_bad_files_are_one_line_at_the_start(tmp_path: Path, files: Files, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    ended = spanwand(tmp_path / "data", "up", **settings(files))
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert str(tmp_path / name) in line


@pytest.fixture
def running(tmp_path: Path, files: Files) -> Iterator[RunningDaemon]:
    with daemon(tmp_path / "data", **settings(files)) as found:
        yield found


def test_every_listener_asks_for_the_token(running: RunningDaemon, files: Files) -> None:
    """R39: 401 and UNAUTHENTICATED do not repeat what was sent, and come before the body is looked at."""
    context = client_context(files)
    right = {"authorization": f"bearer {TOKEN}"}
    assert post(running, context, **right)[0] == 200
    for wrong in ("", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \xe9", f"Bearer {TOKEN} {TOKEN}"):
        code, body = post(running, context, **{"authorization": wrong, "content-encoding": "gzip"})
        assert code == 401
        status = Status.FromString(body)
        assert status.code == grpc.StatusCode.UNAUTHENTICATED.value[0]
        assert TOKEN not in status.message
    assert export(running, files) == "OK"
    assert export(running, files, "wrong-horse-battery") == "UNAUTHENTICATED"
    assert get(running, "/metrics", context, Authorization=f"Bearer {TOKEN}") == 200
    assert get(running, "/metrics", context) == 401
    assert get(running, "/status", context) == 401
    assert get(running, "/livez", context) == get(running, "/readyz", context) == 200


def test_an_unauthenticated_message_is_not_received(running: RunningDaemon, files: Files) -> None:
    """R39: it is refused from its headers, however large it is."""
    credentials = grpc.ssl_channel_credentials(files.ca.cert_pem.bytes())
    with grpc.secure_channel(f"127.0.0.1:{port(running.endpoints.grpc[0])}", credentials) as channel:
        call: Any = channel.unary_unary(EXPORT)
        with pytest.raises(grpc.RpcError) as info:
            call(bytes(100 << 20), timeout=5, compression=grpc.Compression.Gzip)
    assert info.value.code() is grpc.StatusCode.UNAUTHENTICATED  # RESOURCE_EXHAUSTED if it had been read


def test_the_stock_exporter(running: RunningDaemon, files: Files, tmp_path: Path) -> None:
    endpoint = f"https://127.0.0.1:{port(running.endpoints.http)}/v1/traces"
    exporter = OTLPSpanExporter(
        endpoint, certificate_file=str(tmp_path / "ca.crt"), headers={"authorization": f"Bearer {TOKEN}"}
    )
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("tests").start_as_current_span("over TLS"):
        pass
    provider.shutdown()
    assert get(running, "/status", client_context(files), Authorization=f"Bearer {TOKEN}") == 200


def test_old_tls_and_no_tls_are_refused(running: RunningDaemon, files: Files) -> None:
    """R38: TLS 1.2 or newer."""
    place = running.endpoints
    for address in (place.http, place.admin, place.grpc[0]):
        assert shake_hands(address, client_context(files), ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
        old = client_context(files)
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises(ssl.SSLError, match=r"ALERT_PROTOCOL_VERSION|UNEXPECTED_EOF"):
            shake_hands(address, old, ssl.TLSVersion.TLSv1_1)
    plain = http.client.HTTPConnection("127.0.0.1", port(place.http), timeout=5)
    plain.request("POST", "/v1/traces", BODY)
    with pytest.raises((http.client.HTTPException, OSError)):
        plain.getresponse()
    plain.close()


def shake_hands(address: str, context: ssl.SSLContext, version: ssl.TLSVersion) -> str | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", port(address)), timeout=5) as connection,
        context.wrap_socket(connection, server_hostname="127.0.0.1") as secured,
    ):
        return secured.version()


def test_client_certificates(tmp_path: Path, files: Files) -> None:
    """R38: mTLS; none, another CA's or an expired one is refused everywhere, a wrong name by the client."""
    good = files.ca.issue_cert("app.example")
    bad = trustme.CA().issue_cert("app.example")
    expired = files.ca.issue_cert("app.example", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    with daemon(tmp_path / "data", **settings(files, mutual=True, token=False)) as running:
        assert post(running, client_context(files, good))[0] == 200
        assert get(running, "/livez", client_context(files, good)) == 200
        assert export(running, files, client=good) == "OK"
        for client in (None, bad, expired):
            with pytest.raises((ssl.SSLError, OSError)):
                post(running, client_context(files, client))
            with pytest.raises((ssl.SSLError, OSError)):
                get(running, "/livez", client_context(files, client))
            assert export(running, files, client=client) == "UNAVAILABLE"
        files.issue("elsewhere.example")
        time.sleep(1.1)
        with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
            post(running, client_context(files, good))


def test_certificates_and_tokens_change_without_a_dropped_request(running: RunningDaemon, files: Files) -> None:
    """R38: new handshakes get the new certificate; a connection that is open goes on."""
    context = client_context(files)
    right = {"authorization": f"Bearer {TOKEN}", "content-type": "application/x-protobuf"}
    kept = http.client.HTTPSConnection("127.0.0.1", port(running.endpoints.http), timeout=5, context=context)
    credentials = grpc.ssl_channel_credentials(files.ca.cert_pem.bytes())
    with grpc.secure_channel(f"127.0.0.1:{port(running.endpoints.grpc[0])}", credentials) as channel:
        call: Any = channel.unary_unary(EXPORT)
        before = {serial(running.endpoints.http), serial(running.endpoints.grpc[0]), serial(running.endpoints.admin)}
        assert len(before) == 1
        for change in (files.issue, lambda: (files.directory / "tls.crt").write_text("torn"), files.issue):
            change()
            deadline_s = time.monotonic() + 1.5
            while time.monotonic() < deadline_s:
                kept.request("POST", "/v1/traces", BODY, right)
                assert kept.getresponse().read() == b""
                assert call(BODY, timeout=5, metadata=[("authorization", f"Bearer {TOKEN}")]) == b""
                assert post(running, context, **right)[0] == 200
                assert export(running, files) == "OK"
        after = {serial(running.endpoints.http), serial(running.endpoints.grpc[0]), serial(running.endpoints.admin)}
        assert len(after) == 1
        assert after.isdisjoint(before)
    kept.close()


def serial(address: str) -> str:
    return ssl.get_server_certificate(("127.0.0.1", port(address)), timeout=5)

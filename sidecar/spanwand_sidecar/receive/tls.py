"""TLS for the addresses that other machines can reach; certificates change without a connection being dropped."""

import ssl
from pathlib import Path
from typing import NamedTuple

import grpc

from spanwand.errors import ConfigError
from spanwand_sidecar.receive.config import TlsConfig
from spanwand_sidecar.receive.reload import Reloaded


class _Files(NamedTuple):
    """One good state of the files."""

    context: ssl.SSLContext
    certificate: grpc.ServerCertificateConfiguration


class Tls:
    """Certificates of the daemon, in the forms that its servers want them."""

    def __init__(self, config: TlsConfig) -> None:
        """Raises ConfigError if a file cannot be read, or the key is not the certificate's."""
        self.asks_clients = bool(config.client_ca_file)
        """Clients need certificates too."""
        named = (config.cert_file, config.key_file, config.client_ca_file)
        paths = [Path(name).expanduser() for name in named if name]
        self._files = Reloaded(paths, lambda: _read(paths))

    def context(self) -> ssl.SSLContext:
        """For sockets: every handshake is done with the newest files."""
        context = _server_context()
        context.verify_mode = ssl.CERT_REQUIRED if self.asks_clients else ssl.CERT_NONE
        context.sni_callback = self._use_newest
        return context

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """For gRPC: the same."""
        return grpc.dynamic_ssl_server_credentials(
            self._files.get().certificate, lambda: self._files.get().certificate, self.asks_clients
        )

    def _use_newest(self, connection: ssl.SSLObject, _name: str, _context: ssl.SSLContext) -> None:
        connection.context = self._files.get().context


def _read(paths: list[Path]) -> _Files:
    certificate, key, *client_cas = paths
    context = _server_context()
    try:
        context.load_cert_chain(certificate, key, password="")
        for path in client_cas:
            context.load_verify_locations(path)
        chain, secret, *trusted = [path.read_bytes() for path in paths]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"tls: {' '.join(map(str, paths))}: {reason}") from None
    roots = trusted[0] if trusted else None
    return _Files(context, grpc.ssl_server_certificate_configuration([(secret, chain)], roots))


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context

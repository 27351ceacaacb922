"""Mutual TLS between machines: every process shows a certificate that the cluster's own authority has signed.

It takes no other. Which name is in it does not matter; belonging to the cluster does.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Tls:
    """Files in PEM. `ca`: the authority that signs the certificates of the cluster's processes, and nothing else."""

    cert: str
    key: str
    ca: str

    def server_credentials(self) -> grpc.ServerCredentials:
        pair = (Path(self.key).read_bytes(), Path(self.cert).read_bytes())
        return grpc.ssl_server_credentials([pair], Path(self.ca).read_bytes(), require_client_auth=True)

    def client_credentials(self) -> grpc.ChannelCredentials:
        files = [Path(file).read_bytes() for file in (self.ca, self.key, self.cert)]
        return grpc.ssl_channel_credentials(*files)

    def name_of(self, address: str) -> str:
        """A name in the certificate of who listens there, for gRPC, which insists on one. Raises OSError."""
        context = ssl.create_default_context(cafile=self.ca)
        context.load_cert_chain(self.cert, self.key)
        context.check_hostname = False
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port)), _TIMEOUT_S) as plain, context.wrap_socket(plain) as secure:
            found = secure.getpeercert() or {}
        names = [value for _kind, value in found.get("subjectAltName", ())]
        subject = [value for parts in found.get("subject", ()) for key, value in parts if key == "commonName"]
        return next(iter([*names, *subject]), "")

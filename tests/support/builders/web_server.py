# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and HTTPS servers that stand in for a vCenter or another server."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificate:
    """A CA's file, and the file of a server's key and of its certificate, which the CA signed."""

    ca: Path
    server: Path
    sha1: str


def make_certificate(folder: Path, *, name: str | None = None, conforming: bool = True) -> Certificate:
    """Create a CA in the folder, and a certificate that it signed, for 127.0.0.1 unless a name is given.

    One that does not conform to RFC 5280 lacks the identifier of the CA's key.
    """
    host = x509.IPAddress(ipaddress.ip_address("127.0.0.1")) if name is None else x509.DNSName(name)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the tests' CA")])
    now = datetime.datetime.now(datetime.timezone.utc)
    # Python 3.13 verifies strictly: a CA needs a key usage and a key identifier, which its certificates refer to.
    identifier = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    signs = dict.fromkeys(("key_cert_sign", "crl_sign"), True)
    others = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    usage = x509.KeyUsage(**signs, **dict.fromkeys((*others, "encipher_only", "decipher_only"), False))

    def build(subject: x509.Name, public_key: Any) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(public_key)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(1))
        builder = builder.not_valid_after(now + datetime.timedelta(1))
        if not conforming:
            return builder
        issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
        return builder.add_extension(issuer, critical=False)

    ca = (
        build(ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(identifier, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    server = (
        build(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server")]), key.public_key())
        .add_extension(x509.SubjectAlternativeName([host]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "server.pem").write_bytes(private + server.public_bytes(pem))
    return Certificate(folder / "ca.pem", folder / "server.pem", server.fingerprint(hashes.SHA1()).hex(":"))


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class WebServer:
    """Answers every request by ``reply``, which gets the request and returns status and body."""

    port: int
    requests: list[Request] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    """Headers of each answer besides, or instead of, its length."""
    reply: Callable[[Request], tuple[int, bytes]] = lambda _request: (200, b"")


@contextmanager
def serving(certificate: Certificate) -> Iterator[WebServer]:
    """Run an HTTPS server on a free port of 127.0.0.1."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(self.command, self.path, dict(self.headers), body)
            server.requests.append(request)
            status, answer = server.reply(request)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(answer)), **server.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.server)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        server = WebServer(httpd.server_address[1])
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        httpd.shutdown()
        thread.join()

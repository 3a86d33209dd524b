# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test TLS connections, and the messages of failures."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.connection import (
    ConnectionFailedError,
    EsxiHost,
    connect,
    tls_context,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings
from tests.support.builders.strict_tls import verify_strictly
from tests.support.builders.web_server import Certificate, WebServer, make_certificate, serving


def test_known_ca(settings: ConnectionSettings, web_server: WebServer) -> None:
    connection = connect(settings, tls_context(settings))
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    connection.close()


def test_each_wait_has_its_own_time_out(settings: ConnectionSettings) -> None:
    connection = connect(replace(settings, connect_timeout=3.0, request_timeout=7.0), tls_context(settings))
    assert connection.sock is not None
    assert connection.sock.gettimeout() == 7.0
    connection.close()


def test_unknown_ca(settings: ConnectionSettings) -> None:
    settings = replace(settings, ca_path=None)
    with pytest.raises(ConnectionFailedError, match=r"not trusted .* ca_path .*/certs/download.zip"):
        connect(settings, tls_context(settings))


def test_certificate_for_another_name(settings: ConnectionSettings) -> None:
    settings = replace(settings, hostname="localhost")
    with pytest.raises(ConnectionFailedError, match=r"(?i)not trusted .*hostname mismatch.*localhost"):
        connect(settings, tls_context(settings))


def test_without_validation(settings: ConnectionSettings) -> None:
    settings = replace(settings, ca_path=None, validate_certs=False)
    connect(settings, tls_context(settings)).close()


def test_directory_of_cas(settings: ConnectionSettings, certificate: Certificate, tmp_path: Path) -> None:
    settings = replace(settings, ca_path=str(tmp_path))  # empty: it is read, and no certificate is trusted
    with pytest.raises(ConnectionFailedError, match="not trusted"):
        connect(settings, tls_context(settings))


@pytest.mark.parametrize(
    "text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_file_without_certificates(settings: ConnectionSettings, tmp_path: Path, text: str) -> None:
    (tmp_path / "ca.pem").write_text(text)
    with pytest.raises(GantryError, match=r"ca_path .* must be a file of PEM certificates"):
        tls_context(replace(settings, ca_path=str(tmp_path / "ca.pem")))


class TestStrictVerification:
    """Python 3.13 and later refuse certificates of CAs that do not conform to RFC 5280."""

    @pytest.fixture(autouse=True)
    def _strict(self, monkeypatch: pytest.MonkeyPatch) -> None:
        verify_strictly(monkeypatch)

    @pytest.fixture
    def incomplete(self, settings: ConnectionSettings, tmp_path: Path) -> Iterator[ConnectionSettings]:
        """Serve with a certificate without the identifier of the CA's key."""
        made = make_certificate(tmp_path, conforming=False)
        with serving(made) as server:
            yield replace(settings, port=server.port, ca_path=str(made.ca))

    def test_conforming_certificate(self, settings: ConnectionSettings) -> None:
        connect(settings, tls_context(settings)).close()

    def test_failure_is_told_apart_from_an_unknown_ca(self, incomplete: ConnectionSettings) -> None:
        expected = r"does not conform to RFC 5280.*\(Missing Authority Key Identifier\).* vCenter's own certificate\.$"
        with pytest.raises(ConnectionFailedError, match=expected):
            connect(incomplete, tls_context(incomplete))

    def test_certificate_of_the_server_can_be_trusted(self, incomplete: ConnectionSettings, tmp_path: Path) -> None:
        own = tmp_path / "own.pem"
        own.write_text(ssl.get_server_certificate(("127.0.0.1", incomplete.port)))
        trusting = replace(incomplete, ca_path=str(own))
        connect(trusting, tls_context(trusting)).close()


def test_certificate_of_the_server_can_be_trusted(settings: ConnectionSettings, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_text(ssl.get_server_certificate(("127.0.0.1", settings.port)))
    trusting = replace(settings, ca_path=str(own))
    connect(trusting, tls_context(trusting)).close()
    elsewhere = replace(trusting, hostname="localhost")
    with pytest.raises(ConnectionFailedError, match=r"(?i)hostname mismatch"):
        connect(elsewhere, tls_context(elsewhere))


class TestThumbprints:
    """Hosts may have certificates of an unknown CA, whose thumbprints vCenter reports."""

    def test_right_one(self, settings: ConnectionSettings, certificate: Certificate) -> None:
        unknown = replace(settings, ca_path=None)
        host = EsxiHost("127.0.0.1", settings.port, certificate.sha1.upper())
        connect(unknown, tls_context(unknown), host).close()

    def test_wrong_one(self, settings: ConnectionSettings, certificate: Certificate) -> None:
        unknown = replace(settings, ca_path=None)
        wrong = certificate.sha1[:-1] + ("0" if certificate.sha1[-1] != "0" else "1")
        host = EsxiHost("127.0.0.1", settings.port, wrong)
        with pytest.raises(ConnectionFailedError, match=f"not trusted .* vCenter reports the thumbprint {wrong}"):
            connect(unknown, tls_context(unknown), host)

    def test_none(self, settings: ConnectionSettings) -> None:
        unknown = replace(settings, ca_path=None)
        words = rf"ESXi host 127\.0\.0\.1:{settings.port}: its certificate is not trusted .* reports no thumbprint"
        with pytest.raises(ConnectionFailedError, match=words):
            connect(unknown, tls_context(unknown), EsxiHost("127.0.0.1", settings.port, None))

    def test_certificate(self, settings: ConnectionSettings, certificate: Certificate) -> None:
        unknown = replace(settings, ca_path=None)
        own = ssl.get_server_certificate(("127.0.0.1", settings.port))
        connect(unknown, tls_context(unknown), EsxiHost("127.0.0.1", settings.port, None, own)).close()
        other = EsxiHost("127.0.0.1", settings.port, certificate.sha1, certificate.ca.read_text())
        with pytest.raises(ConnectionFailedError, match="vCenter reports another certificate"):
            connect(unknown, tls_context(unknown), other)

    def test_host_that_closes_the_second_connection(
        self, settings: ConnectionSettings, certificate: Certificate
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.server)
        unknown = replace(settings, ca_path=None)
        with socket.create_server(("127.0.0.1", 0)) as server:

            def serve() -> None:
                first, _ = server.accept()
                with first, contextlib.suppress(ssl.SSLError):  # the client does not trust the certificate
                    context.wrap_socket(first, server_side=True).close()
                server.accept()[0].close()

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            port = server.getsockname()[1]
            with pytest.raises(ConnectionFailedError, match=f"Cannot connect to the ESXi host 127.0.0.1:{port}: "):
                connect(unknown, tls_context(unknown), EsxiHost("127.0.0.1", port, certificate.sha1))
            thread.join(5)


@pytest.mark.parametrize(
    ("address", "words"),
    [("esx1.invalid", "the name cannot be resolved"), ("127.0.0.1", "the connection was refused")],
)
def test_host_that_cannot_be_reached_is_named(settings: ConnectionSettings, address: str, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    expected = f"ESXi host {address}:{port}: {words}.* must resolve the name of each host and reach this port"
    with pytest.raises(ConnectionFailedError, match=expected):
        connect(settings, tls_context(settings), EsxiHost(address, port, "00"))


class TestProxy:
    def test_connection_goes_through_the_proxy(self, settings: ConnectionSettings) -> None:
        asked: list[bytes] = []
        with socket.create_server(("127.0.0.1", 0)) as proxy:
            thread = threading.Thread(target=self._forward, args=(proxy, settings.port, asked), daemon=True)
            thread.start()
            settings = replace(settings, proxy_host="127.0.0.1", proxy_port=proxy.getsockname()[1])
            connection = connect(settings, tls_context(settings))
            connection.request("GET", "/")
            assert connection.getresponse().status == 200
            connection.close()
            thread.join(5)
        assert asked[0].startswith(b"CONNECT 127.0.0.1:%d " % settings.port)

    def test_proxy_that_refuses(self, settings: ConnectionSettings) -> None:
        with socket.create_server(("127.0.0.1", 0)) as proxy:

            def refuse() -> None:
                connection, _ = proxy.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

            thread = threading.Thread(target=refuse, daemon=True)
            thread.start()
            settings = replace(settings, proxy_host="127.0.0.1", proxy_port=proxy.getsockname()[1])
            with pytest.raises(ConnectionFailedError, match=r"through the proxy .* the proxy refused it .*403"):
                connect(settings, tls_context(settings))
            thread.join(5)

    @staticmethod
    def _forward(proxy: socket.socket, port: int, asked: list[bytes]) -> None:
        client, _ = proxy.accept()
        asked.append(client.recv(65536))
        server = socket.create_connection(("127.0.0.1", port))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")

        def pump(source: socket.socket, sink: socket.socket) -> None:
            with source, sink:
                while data := source.recv(65536):
                    sink.sendall(data)

        back = threading.Thread(target=pump, args=(server, client.dup()), daemon=True)
        back.start()
        pump(client, server.dup())


@pytest.mark.parametrize(
    ("hostname", "words"),
    [("vcenter.invalid", "the name cannot be resolved"), ("127.0.0.1", "the connection was refused")],
)
def test_failed_connection_is_explained(settings: ConnectionSettings, hostname: str, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings = replace(settings, hostname=hostname, port=port)
    with pytest.raises(ConnectionFailedError, match=words) as caught:
        connect(settings, tls_context(settings))
    assert f"Cannot connect to {hostname}:{port}: " in caught.value.message
    assert not caught.value.message.endswith("..")


def test_server_that_is_silent(settings: ConnectionSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings = replace(settings, port=server.getsockname()[1], connect_timeout=0.2)
        with pytest.raises(ConnectionFailedError, match=r"no answer within 0.2 s \(connect_timeout\)"):
            connect(settings, tls_context(settings))

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS connections to vCenter and its hosts, with time-outs for everything and explained failures."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import hmac
import http.client
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings

# The errors of OpenSSL that only strict verification finds, which is the default since Python 3.13:
# X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA to X509_V_ERR_EXTENSIONS_REQUIRE_VERSION_3.
_STRICT_ERRORS = range(80, 94)


class ConnectionFailedError(GantryError):
    """The connection failed before a request was sent, so nothing can have changed."""


class ConnectionLostError(GantryError):
    """A request was sent and no response arrived, so it may have been carried out.

    ``silent``: the server did not respond in time; otherwise the connection broke.
    """

    def __init__(self, message: str, *, silent: bool = False) -> None:
        super().__init__(message)
        self.silent = silent


class HttpsConnection(http.client.HTTPSConnection):
    """An HTTPS connection with one time-out for connecting and another for each wait for a response."""

    def __init__(
        self, host: str, port: int, *, context: ssl.SSLContext, connect_timeout: float, request_timeout: float
    ) -> None:
        super().__init__(host, port, timeout=connect_timeout, context=context)
        self._request_timeout = request_timeout
        self._wait_seconds: float | None = None

    def connect(self) -> None:
        super().connect()
        cast(ssl.SSLSocket, self.sock).settimeout(self._request_timeout)

    def wait_at_least(self, seconds: float) -> None:
        """Wait this long for a response, if that is longer than the time-out."""
        if seconds > self._request_timeout:
            self._wait_seconds = seconds
            cast(ssl.SSLSocket, self.sock).settimeout(seconds)

    def waited(self) -> str:
        """Return how long the connection waits for a response, and the option that says so."""
        if self._wait_seconds is not None:
            return f"{self._wait_seconds:g} s"
        return f"{self._request_timeout:g} s (request_timeout)"

    def break_off(self) -> None:
        """End the wait of another thread, which then gets an error."""
        plain = self.sock
        if plain is not None:
            with contextlib.suppress(OSError):  # the other side has closed the connection
                # SSLSocket.shutdown would also discard the TLS state that the other thread is using.
                socket.socket.shutdown(plain, socket.SHUT_RDWR)


def tls_context(settings: ConnectionSettings) -> ssl.SSLContext:
    if not settings.validate_certs:
        return unverified_context()
    if settings.ca_path is None:
        return ssl.create_default_context()
    path = Path(settings.ca_path)
    try:
        if path.is_dir():
            context = ssl.create_default_context(capath=settings.ca_path)
        else:
            context = ssl.create_default_context(cafile=settings.ca_path)
    except FileNotFoundError:
        raise GantryError(
            f"ca_path {settings.ca_path!r} does not exist. It must be a file of PEM certificates."
        ) from None
    except (OSError, ssl.SSLError) as error:
        raise GantryError(
            f"ca_path {settings.ca_path!r} cannot be used: {error}. It must be a file of PEM certificates."
        ) from error
    # A server's own certificate can be trusted, too: the default since Python 3.13, and the way out if its CA issues
    # certificates that strict verification refuses.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def unverified_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True)
class EsxiHost:
    """An ESXi host to which vCenter directs an upload."""

    address: str
    port: int
    thumbprint: str | None  # of its certificate, as vCenter reports it
    certificate: str | None = None  # itself as PEM, as vCenter 9.0 and later report it


def connect(settings: ConnectionSettings, context: ssl.SSLContext, host: EsxiHost | None = None) -> HttpsConnection:
    """Return an open connection to vCenter, or to the host given.

    A vCenter whose thumbprint is in the settings is verified by that alone. A host whose certificate is not signed by a
    trusted CA is accepted if it has the certificate or the thumbprint that vCenter reports.
    """
    if host is not None:
        return _connected_to_host(settings, context, host)
    if settings.thumbprint is not None:
        return _pinned(settings, settings.thumbprint)
    try:
        return _connected(settings, context, settings.hostname, settings.port)
    except (OSError, http.client.HTTPException) as error:
        raise _failed(settings, error) from error


def _connected_to_host(settings: ConnectionSettings, context: ssl.SSLContext, host: EsxiHost) -> HttpsConnection:
    try:
        try:
            return _connected(settings, context, host.address, host.port)
        except ssl.SSLCertVerificationError:
            if host.thumbprint is None and host.certificate is None:
                raise
            connection = _connected(settings, unverified_context(), host.address, host.port)
            if _is_reported(connection, host):
                return connection
            connection.close()
            raise
    except (OSError, http.client.HTTPException) as error:
        raise _failed_host(settings, host, error) from error


def _is_reported(connection: HttpsConnection, host: EsxiHost) -> bool:
    """Return whether the host shows the certificate that vCenter reports."""
    if host.certificate is not None:
        return pem_of(connection).split() == host.certificate.split()
    return host.thumbprint is not None and _has_thumbprint(connection, host.thumbprint)


def _pinned(settings: ConnectionSettings, thumbprint: str) -> HttpsConnection:
    try:
        connection = _connected(settings, unverified_context(), settings.hostname, settings.port)
    except (OSError, http.client.HTTPException) as error:
        raise _failed(settings, error) from error
    if _has_thumbprint(connection, thumbprint):
        return connection
    found = certificate_of(connection)
    connection.close()
    raise ConnectionFailedError(
        f"{_where(settings, settings.hostname, settings.port)} shows a certificate with the thumbprint "
        f"{found.sha256} (SHA-256) or {found.sha1} (SHA-1), not {with_colons(thumbprint)}. Nothing was sent there. "
        "Check that it is the right vCenter, and then the thumbprint."
    )


@dataclass(frozen=True)
class Thumbprints:
    sha1: str
    sha256: str


def certificate_of(connection: HttpsConnection) -> Thumbprints:
    """Return the thumbprints of the peer's certificate, in vSphere's format."""
    certificate = _certificate(connection)
    return Thumbprints(
        sha1=with_colons(hashlib.sha1(certificate, usedforsecurity=False).hexdigest()),
        sha256=with_colons(hashlib.sha256(certificate).hexdigest()),
    )


def pem_of(connection: HttpsConnection) -> str:
    """Return the peer's certificate as PEM."""
    return ssl.DER_cert_to_PEM_cert(_certificate(connection))


def with_colons(digits: str) -> str:
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2)).upper()


def _connected(settings: ConnectionSettings, context: ssl.SSLContext, host: str, port: int) -> HttpsConnection:
    via_proxy = settings.proxy_host is not None and settings.proxy_port is not None
    connection = HttpsConnection(
        settings.proxy_host if via_proxy and settings.proxy_host else host,
        settings.proxy_port if via_proxy and settings.proxy_port else port,
        context=context,
        connect_timeout=settings.connect_timeout,
        request_timeout=settings.request_timeout,
    )
    if via_proxy:
        connection.set_tunnel(host, port)
    try:
        connection.connect()
    except BaseException:
        connection.close()
        raise
    return connection


def _has_thumbprint(connection: HttpsConnection, thumbprint: str) -> bool:
    wanted = thumbprint.replace(":", "").lower()
    # vCenter reports a SHA-1 of 40 digits; it is only compared, not used for a signature.
    found = certificate_of(connection)
    digits = found.sha1 if len(wanted) == 40 else found.sha256
    return hmac.compare_digest(digits.replace(":", "").lower(), wanted)


def _certificate(connection: HttpsConnection) -> bytes:
    return cast(ssl.SSLSocket, connection.sock).getpeercert(binary_form=True) or b""


def _failed(settings: ConnectionSettings, error: Exception) -> ConnectionFailedError:
    reason, remedy = _explained(settings, error)
    where = _where(settings, settings.hostname, settings.port)
    return ConnectionFailedError(f"Cannot connect to {where}: {reason}. {remedy}")


def _failed_host(settings: ConnectionSettings, host: EsxiHost, error: Exception) -> ConnectionFailedError:
    reason, _remedy = _explained(settings, error)
    if isinstance(error, ssl.SSLCertVerificationError):
        if host.certificate is not None:
            reported = "another certificate"
        else:
            reported = "no thumbprint of it" if host.thumbprint is None else f"the thumbprint {host.thumbprint}"
        remedy = f"vCenter reports {reported}. Add the CA of the host to ca_path, or reconnect the host in vCenter."
    else:
        remedy = (
            "vCenter directs the upload of a disk and the download of a guest's file to the ESXi host, so the machine "
            "that runs the task must resolve the name of each host and reach this port, not only vCenter."
        )
    where = _where(settings, host.address, host.port)
    return ConnectionFailedError(f"Cannot connect to the ESXi host {where}: {reason}. {remedy}")


def _where(settings: ConnectionSettings, host: str, port: int) -> str:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if settings.proxy_host is not None:
        where += f" through the proxy {settings.proxy_host}:{settings.proxy_port}"
    return where


def _explained(settings: ConnectionSettings, error: Exception) -> tuple[str, str]:
    """Return why a connection to vCenter failed, and the remedy."""
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in _STRICT_ERRORS:
        return (
            f"its certificate does not conform to RFC 5280, as Python 3.13 and later require ({error.verify_message})",
            "Let the CA issue a conforming certificate, or give ca_path the file of vCenter's own certificate.",
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({error.verify_message.rstrip('.')})",
            (
                "Give ca_path the file of the CA that signed it (vCenter offers its own at "
                f"https://{settings.address}/certs/download.zip); set validate_certs to false only in a network "
                "without a possible man in the middle."
            ),
        )
    if isinstance(error, ssl.SSLError):
        if "WRONG_VERSION_NUMBER" in str(error) or "HTTP_REQUEST" in str(error):
            return "what listens there does not speak TLS", "Check hostname and port."
        return f"TLS failed ({error.reason or error})", "Check hostname and port."
    if isinstance(error, socket.gaierror):
        return (
            f"the name cannot be resolved ({error.strerror})",
            "Check hostname and the resolver of the machine that runs the task.",
        )
    if isinstance(error, ConnectionRefusedError):
        return (
            "the connection was refused: nothing listens there",
            "Check hostname and port, and that vCenter is up.",
        )
    if isinstance(error, TimeoutError):
        return (
            f"no answer within {settings.connect_timeout:g} s (connect_timeout)",
            "Check hostname, port and the firewalls between.",
        )
    if isinstance(error, OSError) and error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return (
            f"there is no route to it ({error.strerror})",
            "Check hostname and the network of the machine that runs the task.",
        )
    if isinstance(error, http.client.RemoteDisconnected | ConnectionResetError | ssl.SSLEOFError):
        return "the other side closed the connection", "Check that it is a vCenter and that it is up."
    if isinstance(error, OSError) and "Tunnel connection failed" in str(error):
        reason = f"the proxy refused it ({str(error).rstrip('.')})"
        return reason, "Check proxy_host and proxy_port and what the proxy allows."
    return f"{type(error).__name__}: {str(error).rstrip('.')}", "Check hostname and port."

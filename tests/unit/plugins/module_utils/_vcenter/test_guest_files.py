# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test transfers of guests' files with a server that answers as vCenter or an ESXi host does."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter import guest_files
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.connection import ConnectionLostError, tls_context
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.transfer import Transport
from tests.support.builders.web_server import Certificate, Request, WebServer

COOKIE = "vmware_soap_session=abc"


class TestDownload:
    def test_it_is_read_from_vcenter_without_the_session(self, transport: Transport, web_server: WebServer) -> None:
        web_server.reply = lambda _request: (200, b"0123456789")
        url = "https://*/guestFile?id=1&token=abc"
        assert guest_files.download_guest_file(transport, url, lambda _address: None, 4) == b"0123"
        (request,) = web_server.requests
        assert (request.method, request.path) == ("GET", "/guestFile?id=1&token=abc")
        assert "Cookie" not in request.headers

    def test_it_is_read_from_a_host_with_the_certificate_that_vcenter_reports(
        self, transport: Transport, web_server: WebServer, certificate: Certificate
    ) -> None:
        web_server.reply = lambda _request: (200, b"{}")
        unknown = replace(transport.settings, ca_path=None, hostname="vcenter.invalid")
        asked: list[str] = []

        def host_config_of(address: str) -> Any:
            asked.append(address)
            return SimpleNamespace(sslThumbprint=certificate.sha1)

        url = f"https://127.0.0.1:{web_server.port}/guestFile?id=1"
        chosen = Transport(unknown, tls_context(unknown), COOKIE)
        assert guest_files.download_guest_file(chosen, url, host_config_of, 4) == b"{}"
        assert asked == ["127.0.0.1"]
        with pytest.raises(GantryError, match=r"its certificate is not trusted .* reports no thumbprint"):
            guest_files.download_guest_file(chosen, url, lambda _address: None, 4)

    @pytest.mark.parametrize(("address", "receiver"), [("*", "vCenter"), ("127.0.0.1", "The ESXi host 127.0.0.1")])
    def test_it_is_refused(self, transport: Transport, web_server: WebServer, address: str, receiver: str) -> None:
        web_server.reply = lambda _request: (500, b"")
        url = f"https://{address}:{web_server.port}/guestFile?id=1"
        with pytest.raises(GantryError, match=f"^{receiver} refused the file of the guest: HTTP 500 Internal"):
            guest_files.download_guest_file(transport, url, lambda _address: None, 4)

    def test_it_breaks_off(self, transport: Transport, web_server: WebServer) -> None:
        def abort(_request: Request) -> tuple[int, bytes]:
            raise ConnectionAbortedError

        web_server.reply = abort
        with pytest.raises(ConnectionLostError, match=r"broke off: .* Look at the host\.$"):
            guest_files.download_guest_file(transport, "https://*/guestFile", lambda _address: None, 4)


class TestReception:
    def test_it_is_read_in_blocks(self, transport: Transport, web_server: WebServer) -> None:
        content = b"0123456789" * 100_000
        web_server.reply = lambda _request: (200, content)
        with guest_files.received_guest_file(transport, "https://*/guestFile?id=1", lambda _address: None) as blocks:
            received = list(blocks)
        assert len(received) > 1
        assert b"".join(received) == content

    def test_an_end_before_its_size_is_an_error(self, transport: Transport, web_server: WebServer) -> None:
        web_server.reply = lambda _request: (200, b"0123456789")
        web_server.headers = {"Content-Length": "11", "Connection": "close"}
        with (
            pytest.raises(ConnectionLostError, match=r"broke off: IncompleteRead"),
            guest_files.received_guest_file(transport, "https://*/guestFile?id=1", lambda _address: None) as blocks,
        ):
            list(blocks)


class TestUpload:
    def test_it_is_sent_with_its_size_and_without_the_session(
        self, transport: Transport, web_server: WebServer
    ) -> None:
        content = guest_files.Upload(iter([b"0123", b"", b"456789"]), 10)
        guest_files.upload_guest_file(transport, "https://*/guestFile?id=1", lambda _address: None, content, 60.0)
        (request,) = web_server.requests
        assert (request.method, request.path, request.body) == ("PUT", "/guestFile?id=1", b"0123456789")
        assert request.headers["Content-Length"] == "10"
        assert "Cookie" not in request.headers

    def test_it_is_refused(self, transport: Transport, web_server: WebServer) -> None:
        web_server.reply = lambda _request: (500, b"")
        content = guest_files.Upload(iter([b"0"]), 1)
        with pytest.raises(GantryError, match=r"^vCenter could not send the file to the guest: HTTP 500 Internal"):
            guest_files.upload_guest_file(transport, "https://*/guestFile", lambda _address: None, content, 0.0)

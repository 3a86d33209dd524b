# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the connection tests: an HTTPS server with its own CA."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter import leases
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.connection import tls_context
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.transfer import Transport
from tests.support.builders.web_server import Certificate, WebServer, make_certificate, serving


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def web_server(certificate: Certificate) -> Iterator[WebServer]:
    with serving(certificate) as server:
        yield server


@pytest.fixture
def settings(web_server: WebServer, certificate: Certificate) -> ConnectionSettings:
    return ConnectionSettings(
        hostname="127.0.0.1",
        port=web_server.port,
        username="administrator@vsphere.local",
        password="secret",
        ca_path=str(certificate.ca),
        connect_timeout=5.0,
        request_timeout=5.0,
    )


@pytest.fixture
def transport(settings: ConnectionSettings) -> Transport:
    return Transport(settings, tls_context(settings), "vmware_soap_session=abc")


@pytest.fixture
def _lease_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "read_objects", lambda _collector, objects, _names: objects[0].rows())
    monkeypatch.setattr(leases, "_POLL_SECONDS", 0.001)

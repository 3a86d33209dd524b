# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the beginning of a disk is read through an export lease, which is always given back."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.vmdk import Region, write_vmdk
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.disk_export import find_disk_beginning
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.transfer import Transport
from tests.support.builders.leases import Lease, device
from tests.support.builders.web_server import Certificate, WebServer

pytestmark = pytest.mark.usefixtures("_lease_reads")

IMAGE = device("https://*/nfc/image", key="/vm-7/ParaVirtualSCSIController0:0")
SCRATCH = device("https://*/nfc/scratch", key="/vm-7/ParaVirtualSCSIController0:1")
ISO = device("https://*/nfc/iso", disk=False, key="/vm-7/VirtualIDEController0:1")


def vmdk(folder: Path, content: bytes) -> bytes:
    path = folder / "disk.vmdk"
    with path.open("w+b", buffering=0) as file:
        assert isinstance(file, io.FileIO)
        write_vmdk(file, 1 << 20, [Region(offset=0, size=len(content), source=io.BytesIO(content))])
    return path.read_bytes()


@pytest.fixture
def disks(web_server: WebServer, tmp_path: Path) -> None:
    sent = {"/nfc/image": vmdk(tmp_path, b"hsqs"), "/nfc/scratch": vmdk(tmp_path, b"GANTRY")}
    web_server.reply = lambda request: (200, sent[request.path])


def find(transport: Transport, lease: Lease, wanted: bytes) -> bytes | None:
    vm: Any = SimpleNamespace(ExportVm=lambda: lease)
    return find_disk_beginning(transport, None, vm, 1, 8, lambda found: found.startswith(wanted))


@pytest.mark.usefixtures("disks")
def test_the_disk_of_the_unit_is_read_first(transport: Transport, web_server: WebServer) -> None:
    lease = Lease([ISO, IMAGE, SCRATCH])
    assert find(transport, lease, b"GANTRY") == b"GANTRY\0\0"
    assert [(request.method, request.path) for request in web_server.requests] == [("GET", "/nfc/scratch")]
    assert lease.calls == ["abort"]


@pytest.mark.usefixtures("disks")
def test_disks_are_recognized_by_their_content(transport: Transport, web_server: WebServer) -> None:
    lease = Lease([IMAGE, SCRATCH])
    assert find(transport, lease, b"hsqs") == b"hsqs\0\0\0\0"
    assert find(transport, Lease([IMAGE, SCRATCH]), b"another") is None
    assert [request.path for request in web_server.requests] == ["/nfc/scratch", "/nfc/image"] * 2


@pytest.mark.usefixtures("disks")
def test_the_session_is_not_shown_to_a_host(
    transport: Transport, web_server: WebServer, certificate: Certificate
) -> None:
    host = f"https://localhost:{web_server.port}/nfc/scratch"
    assert find(transport, Lease([device(host, thumbprint=certificate.sha1)]), b"GANTRY") is not None
    assert "Cookie" not in web_server.requests[0].headers


def test_a_refusal_gives_the_lease_back(transport: Transport, web_server: WebServer) -> None:
    web_server.reply = lambda _request: (503, b"")
    lease = Lease([SCRATCH])
    with pytest.raises(GantryError, match="vCenter refused to send a disk: HTTP 503"):
        find(transport, lease, b"GANTRY")
    assert lease.calls == ["abort"]


def test_an_export_that_does_not_begin(transport: Transport) -> None:
    lease = Lease([], fault=vim.fault.FileNotFound(msg="gone", file="web.vmdk"))
    with pytest.raises(FaultError, match="Cannot begin the export: vCenter answered FileNotFound"):
        find(transport, lease, b"GANTRY")
    assert lease.calls == ["abort"]

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test file transfers over HTTPS: the transferred data, the requests, and the messages of failures."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter import (
    lease_progress,
    leases,
    transfer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.connection import (
    ConnectionLostError,
    tls_context,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.transfer import Transport
from tests.support.builders.leases import Lease, device
from tests.support.builders.web_server import Certificate, Request, WebServer

COOKIE = "vmware_soap_session=abc"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "disk.vmdk"
    path.write_bytes(os.urandom(3 * (1 << 20) + 17))
    return path


def test_url_of_a_file() -> None:
    url = transfer.file_url("/Europe/DC 0", "shared&0", "gantry/a b/ü.iso")
    assert url == "/folder/gantry/a%20b/%C3%BC.iso?dcPath=Europe%2FDC%200&dsName=shared%260"


def test_upload(transport: Transport, web_server: WebServer, source: Path) -> None:
    web_server.reply = lambda _request: (201, b"")
    reports: list[str] = []
    transfer.upload_file(transport, source, "/folder/x?dcPath=DC0&dsName=ds", reports.append)
    (request,) = web_server.requests
    assert (request.method, request.path) == ("PUT", "/folder/x?dcPath=DC0&dsName=ds")
    assert request.headers["Cookie"] == COOKIE
    assert hashlib.sha256(request.body).digest() == hashlib.sha256(source.read_bytes()).digest()
    assert reports[-1] == "upload disk.vmdk: 100 %"
    assert len(reports) == len(set(reports))


@pytest.mark.parametrize("change", [-17, 17])
def test_a_file_that_changes_while_it_is_uploaded(
    transport: Transport, web_server: WebServer, source: Path, change: int
) -> None:
    web_server.reply = lambda _request: (201, b"")
    size = source.stat().st_size

    def truncate(_text: str) -> None:
        os.truncate(source, size + change)

    with pytest.raises(GantryError, match=f"had {size} bytes when its upload began and {size + change} at its end"):
        transfer.upload_file(transport, source, "/folder/x", truncate)


def test_empty_file(transport: Transport, web_server: WebServer, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    transfer.upload_file(transport, tmp_path / "empty", "/folder/empty", None)
    assert web_server.requests[0].headers["Content-Length"] == "0"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "the session is not accepted, or the user lacks Datastore.FileManagement on the datacenter DC 0 or .*"),
        (403, "the user lacks .* or Datastore.Browse on the datastore shared 0. Assign the user a role that has it"),
        (404, "no such folder or datastore"),
        (507, "no space left"),
        (500, "HTTP 500 Internal Server Error"),
    ],
)
def test_upload_that_is_refused(
    transport: Transport, web_server: WebServer, source: Path, status: int, words: str
) -> None:
    web_server.reply = lambda _request: (status, b"no")
    with pytest.raises(GantryError, match=rf"refused the upload of disk.vmdk to gantry/x: .*{words}\.$"):
        transfer.upload_file(transport, source, "/folder/gantry/x?dcPath=DC%200&dsName=shared%200", None)


def test_upload_that_stalls(transport: Transport, web_server: WebServer, source: Path) -> None:
    def stall(_request: Request) -> tuple[int, bytes]:
        time.sleep(1)
        return 200, b""

    web_server.reply = stall
    hasty = replace(transport, settings=replace(transport.settings, request_timeout=0.2))
    with pytest.raises(ConnectionLostError, match=r"stalled: nothing went through for 0.2 s \(request_timeout\)"):
        transfer.upload_file(hasty, source, "/folder/x", None)


def test_upload_that_breaks_off(transport: Transport, web_server: WebServer, source: Path) -> None:
    def abort(_request: Request) -> tuple[int, bytes]:
        raise ConnectionAbortedError

    web_server.reply = abort
    with pytest.raises(ConnectionLostError, match="broke off"):
        transfer.upload_file(transport, source, "/folder/x", None)


def test_download(transport: Transport, web_server: WebServer) -> None:
    web_server.reply = lambda _request: (200, b"0123456789")
    assert transfer.download_file(transport, "/folder/x", 4) == b"0123"


def test_download_of_a_missing_file(transport: Transport, web_server: WebServer) -> None:
    web_server.reply = lambda _request: (404, b"")
    assert transfer.download_file(transport, "/folder/x", 4) is None


def test_download_that_is_refused(transport: Transport, web_server: WebServer) -> None:
    web_server.reply = lambda _request: (403, b"")
    with pytest.raises(GantryError, match="refused the download of x: HTTP 403"):
        transfer.download_file(transport, "/folder/x?dcPath=DC0", 4)


@pytest.mark.usefixtures("_lease_reads")
class TestImport:
    def test_disks_are_uploaded_to_their_urls(
        self, transport: Transport, web_server: WebServer, tmp_path: Path
    ) -> None:
        disks = [tmp_path / "one", tmp_path / "two"]
        for disk in disks:
            disk.write_bytes(disk.name.encode())
        lease = Lease([device("https://*/nfc/1"), device("https://*/nfc/nvram", disk=False), device("https://*/nfc/2")])
        assert transfer.import_disks(transport, None, lease, disks, [].append, Event()) == "vm-7"
        assert [(request.method, request.path, request.body) for request in web_server.requests] == [
            ("POST", "/nfc/1", b"one"),
            ("POST", "/nfc/2", b"two"),
        ]
        assert {request.headers["Content-Type"] for request in web_server.requests} == {
            "application/x-vnd.vmware-streamVmdk"
        }
        assert lease.calls == ["complete"]

    def test_host_with_an_unknown_certificate(
        self, transport: Transport, web_server: WebServer, certificate: Certificate, source: Path
    ) -> None:
        unknown = replace(transport.settings, ca_path=None)
        url = f"https://127.0.0.1:{web_server.port}/nfc/1"
        lease = Lease([device(url, thumbprint=certificate.sha1)])
        # This transport would not connect to vCenter itself.
        transfer.import_disks(
            Transport(unknown, tls_context(unknown), COOKIE), None, lease, [source], [].append, Event()
        )
        assert lease.calls == ["complete"]

    @pytest.mark.parametrize(
        ("host", "vcenter", "trusted"),
        [
            ("*", {}, True),
            ("127.0.0.1", {}, True),
            ("127.0.0.1", {"hostname": "vcenter.invalid"}, False),
            ("127.0.0.1", {"port": 443}, False),
        ],
    )
    def test_only_vcenter_gets_the_session_cookie(
        self,
        transport: Transport,
        web_server: WebServer,
        source: Path,
        host: str,
        vcenter: dict[str, Any],
        trusted: bool,
    ) -> None:
        chosen = replace(transport, settings=replace(transport.settings, **vcenter))
        lease = Lease([device(f"https://{host}:{web_server.port}/nfc/1")])
        transfer.import_disks(chosen, None, lease, [source], [].append, Event())
        assert ("Cookie" in web_server.requests[0].headers) == trusted

    def test_lease_is_kept_alive_until_the_host_answers(
        self, transport: Transport, web_server: WebServer, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lease_progress, "_KEEP_ALIVE_SECONDS", 0.02)
        lease = Lease([device("https://*/nfc/1")])

        def answer(_request: Request) -> tuple[int, bytes]:
            seen = len(lease.calls)
            while len(lease.calls) < seen + 3:
                time.sleep(0.01)
            return 201, b""

        web_server.reply = answer
        transfer.import_disks(transport, None, lease, [source], [].append, Event())
        *progress, last = lease.calls
        assert last == "complete"
        assert progress == sorted(progress)
        assert progress[-1] == 99

    @pytest.mark.parametrize(("patience", "accepted"), [(30.0, True), (0.4, False)])
    def test_answer_may_take_longer_than_the_request_timeout(
        self,
        transport: Transport,
        web_server: WebServer,
        source: Path,
        monkeypatch: pytest.MonkeyPatch,
        patience: float,
        accepted: bool,
    ) -> None:
        monkeypatch.setattr(transfer, "_ANSWER_SECONDS", patience)
        finish = Event()

        def answer(_request: Request) -> tuple[int, bytes]:
            finish.wait(1)
            return 201, b""

        web_server.reply = answer
        hasty = replace(transport, settings=replace(transport.settings, request_timeout=0.2))
        lease = Lease([device("https://*/nfc/1")])
        if accepted:
            transfer.import_disks(hasty, None, lease, [source], [].append, Event())
        else:
            with pytest.raises(ConnectionLostError, match=r"stalled: nothing went through for 0\.4 s\."):
                transfer.import_disks(hasty, None, lease, [source], [].append, Event())
            finish.set()
        assert lease.calls == ["complete" if accepted else "abort"]

    def test_stop_ends_the_wait_for_the_answer(
        self, transport: Transport, web_server: WebServer, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lease_progress, "_POLL_SECONDS", 0.01)
        stop, finish = Event(), Event()

        def answer(_request: Request) -> tuple[int, bytes]:
            stop.set()
            finish.wait(30)
            return 201, b""

        web_server.reply = answer
        lease = Lease([device("https://*/nfc/1")])
        begin = time.monotonic()
        with pytest.raises(GantryError, match="was stopped before it was complete"):
            transfer.import_disks(transport, None, lease, [source], [].append, stop)
        assert time.monotonic() - begin < transport.settings.request_timeout
        finish.set()
        assert lease.calls == ["abort"]

    def test_lease_that_ended_ends_the_wait_for_the_answer(
        self, transport: Transport, web_server: WebServer, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Ended(Lease):
            def HttpNfcLeaseProgress(self, percent: int) -> None:  # noqa: N802
                raise FaultError("HttpNfcLeaseProgress", vim.fault.InvalidState(msg="The lease has ended."))

        monkeypatch.setattr(lease_progress, "_KEEP_ALIVE_SECONDS", 0.01)
        finish = Event()

        def answer(_request: Request) -> tuple[int, bytes]:
            finish.wait(30)
            return 201, b""

        web_server.reply = answer
        with pytest.raises(FaultError, match="The lease has ended"):
            transfer.import_disks(transport, None, Ended([device("https://*/nfc/1")]), [source], [].append, Event())
        finish.set()

    @pytest.mark.parametrize(
        ("spoil", "words"),
        [
            (lambda server, lease: setattr(server, "reply", lambda _request: (500, b"")), "refused the disk"),
            (lambda server, lease: lease.urls.append(device("https://*/nfc/2")), "expects 2 disks, and there are 1"),
            (
                lambda server, lease: setattr(lease, "fault", vim.fault.NoDiskSpace(msg="full", datastore="ds")),
                "Cannot begin the import: vCenter answered NoDiskSpace",
            ),
        ],
    )
    def test_failure_aborts_the_lease(
        self,
        transport: Transport,
        web_server: WebServer,
        source: Path,
        spoil: Callable[[WebServer, Lease], None],
        words: str,
    ) -> None:
        lease = Lease([device("https://*/nfc/1")])
        spoil(web_server, lease)
        with pytest.raises(GantryError, match=words):
            transfer.import_disks(transport, None, lease, [source], [].append, Event())
        assert lease.calls == ["abort"]

    def test_lease_that_cannot_be_aborted_does_not_hide_the_failure(
        self, transport: Transport, web_server: WebServer, source: Path
    ) -> None:
        class Stubborn(Lease):
            def HttpNfcLeaseAbort(self) -> None:  # noqa: N802
                raise FaultError("HttpNfcLeaseAbort", vim.fault.Timedout())

        web_server.reply = lambda _request: (500, b"")
        with pytest.raises(GantryError, match="refused the disk"):
            transfer.import_disks(transport, None, Stubborn([device("https://*/nfc/1")]), [source], [].append, Event())

    def test_lease_that_never_becomes_ready(
        self, transport: Transport, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(leases, "_READY_SECONDS", 0.05)
        lease = Lease([device("https://*/nfc/1")], looks=10**9)
        with pytest.raises(GantryError, match=r"did not begin the import within 0\.05 s"):
            transfer.import_disks(transport, None, lease, [source], [].append, Event())
        assert lease.calls == ["abort"]

    def test_upload_that_is_stopped_aborts_the_lease(
        self, transport: Transport, web_server: WebServer, source: Path
    ) -> None:
        stop, said = Event(), []

        def report(text: str) -> None:
            said.append(text)
            stop.set()

        lease = Lease([device("https://*/nfc/1")])
        with pytest.raises(GantryError, match="was stopped before it was complete"):
            transfer.import_disks(transport, None, lease, [source], report, stop)
        assert (len(said), lease.calls) == (1, ["abort"])

    def test_import_is_stopped_before_the_lease_is_ready(self, transport: Transport, source: Path) -> None:
        lease, stop = Lease([device("https://*/nfc/1")], looks=10**9), Event()
        stop.set()
        with pytest.raises(GantryError, match="was stopped before it was complete"):
            transfer.import_disks(transport, None, lease, [source], [].append, stop)
        assert lease.calls == ["abort"]

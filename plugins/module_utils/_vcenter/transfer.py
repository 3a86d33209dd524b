# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""File transfers with vCenter and its hosts over HTTPS: datastore files, and disks of an import lease."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.connection import (
    ConnectionLostError,
    EsxiHost,
    HttpsConnection,
    connect,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.lease_progress import LeaseProgress
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.leases import (
    TransferPlace,
    await_lease,
    leased_disk,
    session_headers,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings

_BLOCK = 1 << 20
# A host answers when all of a disk is written, which takes long on slow storage. The lease is kept alive meanwhile.
_ANSWER_SECONDS = 1800.0
_LOOK_AT_SPACE = "Look at the free space of the datastore and at the host, and run again."

Report = Callable[[str], None]
Tick = Callable[[int], None]


@dataclass(frozen=True)
class Transport:
    """The parts of a session that a transfer needs."""

    settings: ConnectionSettings
    tls: ssl.SSLContext
    cookie: str


def file_url(datacenter_path: str, datastore: str, path: str) -> str:
    """Return the request target of a datastore file."""
    query = urlencode({"dcPath": datacenter_path.lstrip("/"), "dsName": datastore}, quote_via=quote)
    return f"/folder/{quote(path.lstrip('/'))}?{query}"


def upload_file(transport: Transport, source: Path, url: str, report: Report | None) -> None:
    size = source.stat().st_size
    with transfer_connection(transport) as connection:
        progress = _percent(size, f"upload {source.name}", report)
        headers = {"Content-Type": "application/octet-stream", "Cookie": transport.cookie}
        status = send(connection, "PUT", url, _blocks(source, size), size, progress, headers)
    if status not in (200, 201):
        raise GantryError(f"vCenter refused the upload of {source.name} to {_place(url)}: {why(status, url)}.")


def download_file(transport: Transport, url: str, max_bytes: int) -> bytes | None:
    """Return the first ``max_bytes`` of the file's content; None if there is no such file."""
    with transfer_connection(transport) as connection:
        connection.request("GET", url, headers={"Cookie": transport.cookie})
        response = connection.getresponse()
        if response.status == http.client.NOT_FOUND:
            return None
        if response.status != http.client.OK:
            raise GantryError(f"vCenter refused the download of {_place(url)}: {why(response.status, url)}.")
        return response.read(max_bytes)


def import_disks(
    transport: Transport,
    property_collector: Any,
    lease: Any,
    disks: Sequence[Path],
    report: Report,
    stop: threading.Event,
) -> Any:
    """Upload the disks of an import lease in its order, complete it, and return the VM.

    It fails if ``stop`` is set in the meantime. On any failure the lease is aborted, and vCenter removes the VM that it
    was creating.
    """
    try:
        info = await_lease(property_collector, lease, "import", stop)
        targets = [device for device in info.deviceUrl if device.disk]
        if len(targets) != len(disks):
            raise GantryError(f"The import expects {len(targets)} disks, and there are {len(disks)} to upload.")
        with LeaseProgress(lease, sum(disk.stat().st_size for disk in disks), stop) as progress:
            for disk, target in zip(disks, targets, strict=True):
                _upload_disk(transport, progress, disk, target, report)
        lease.HttpNfcLeaseComplete()
    except BaseException:
        # The user needs to see the original failure; a lease that cannot be aborted times out.
        with contextlib.suppress(GantryError):
            lease.HttpNfcLeaseAbort()
        raise
    return info.entity


def _upload_disk(transport: Transport, progress: LeaseProgress, disk: Path, target: Any, report: Report) -> None:
    leased = leased_disk(target)
    reported = _percent(disk.stat().st_size, f"upload {disk.name}", report)
    headers = {"Content-Type": "application/x-vnd.vmware-streamVmdk", "Overwrite": "t"}
    headers |= session_headers(transport.settings, transport.cookie, leased)

    def tick(sent: int) -> None:
        reported(sent)
        progress.sent(sent)

    with transfer_connection(transport, leased.host) as connection, progress.of(connection, disk.stat().st_size):
        size = disk.stat().st_size
        status = send(
            connection, "POST", leased.path, _blocks(disk, size), size, tick, headers, answer_seconds=_ANSWER_SECONDS
        )
    if status not in (200, 201):
        raise GantryError(f"{receiver(leased)} refused the disk {disk.name}: {why(status)}.")


@contextlib.contextmanager
def transfer_connection(
    transport: Transport, host: EsxiHost | None = None, remedy: str = _LOOK_AT_SPACE
) -> Iterator[HttpsConnection]:
    """Open a connection for one request; errors that break it are reported as a lost connection."""
    connection = connect(transport.settings, transport.tls, host)
    try:
        yield connection
    except TimeoutError as error:
        raise ConnectionLostError(
            f"The transfer with {connection.host} stalled: nothing went through for {connection.waited()}.",
            silent=True,
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionLostError(
            f"The transfer with {connection.host} broke off: {type(error).__name__}: {error}. {remedy}"
        ) from error
    finally:
        connection.close()


def send(
    connection: HttpsConnection,
    method: str,
    url: str,
    blocks: Iterable[bytes],
    size: int,
    tick: Tick,
    headers: Mapping[str, str],
    *,
    answer_seconds: float = 0.0,
) -> int:
    """Send blocks that have this size in all; return the status of the response.

    The response may take ``answer_seconds``, if that is longer than request_timeout.
    """
    connection.putrequest(method, url)
    connection.putheader("Content-Length", str(size))
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    sent = 0
    try:
        for block in blocks:
            connection.send(block)
            sent += len(block)
            tick(sent)
    except (BrokenPipeError, ConnectionResetError):
        # A server that refuses responds before it has read everything; its response has the reason.
        with contextlib.suppress(OSError, http.client.HTTPException):
            return _status(connection)
        raise
    connection.wait_at_least(answer_seconds)
    return _status(connection)


def _blocks(source: Path, size: int) -> Iterator[bytes]:
    """Yield the content of a file, which must have this size."""
    sent = 0
    with source.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
            sent += len(block)
    if sent != size:
        # Closing the connection makes an incomplete upload fail on the server, too.
        raise GantryError(
            f"{source} had {size} bytes when its upload began and {sent} at its end. Run again when no other "
            "program writes to the file."
        )


def _status(connection: HttpsConnection) -> int:
    response = connection.getresponse()
    response.read()
    return response.status


def _percent(size: int, what: str, report: Report | None) -> Tick:
    """Return a tick that reports each further tenth."""
    reported = 0

    def tick(sent: int) -> None:
        nonlocal reported
        percent = sent * 100 // (size or 1)
        if report is not None and percent >= reported + 10:
            reported = percent - percent % 10
            report(f"{what}: {reported} %")

    return tick


def receiver(disk: TransferPlace) -> str:
    """Return what transfers the disk, as the subject of a message."""
    return "vCenter" if disk.host is None else f"The ESXi host {disk.host.address}"


def _place(url: str) -> str:
    return url.split("?", 1)[0].removeprefix("/folder/")


def why(status: int, url: str = "") -> str:
    """Return the status of a response with its reason, for a message."""
    reasons = {
        401: "the session is not accepted",
        404: "there is no such folder or datastore",
        507: "there is no space left",
    }
    place = parse_qs(urlsplit(url).query)
    if "dsName" in place:
        # vCenter answers 401 also to a session that lacks privileges (rbvmomi issue 97).
        reasons[403] = (
            f"the user lacks Datastore.FileManagement on the datacenter {place['dcPath'][0]} or Datastore.Browse on "
            f"the datastore {place['dsName'][0]}. Assign the user a role that has it"
        )
        reasons[401] = f"the session is not accepted, or {reasons[403]}"
    phrase = http.client.responses.get(status, "")
    return f"HTTP {status} {phrase}" + (f": {reasons[status]}" if status in reasons else "")

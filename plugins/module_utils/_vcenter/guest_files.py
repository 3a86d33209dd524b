# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Transfers of guests' files, which vCenter or the VM's ESXi host serves over HTTPS.

The URL of a file has a ticket for one transfer, so the session cookie is not sent.
"""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.leases import place_of_url
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.transfer import (
    Transport,
    receiver,
    send,
    transfer_connection,
    why,
)

_BLOCK = 1 << 18
_LOOK_AT_HOST = "Look at the host."

# Returns the HostConfigSummary of the ESXi host with an address, or None.
HostConfigOf = Callable[[str], Any]


@dataclass(frozen=True)
class Upload:
    """Content to send, in blocks that have this size in all."""

    blocks: Iterable[bytes]
    size: int


def download_guest_file(transport: Transport, url: str, host_config_of: HostConfigOf, max_bytes: int) -> bytes:
    """Return the first ``max_bytes`` of a guest's file."""
    with _opened(transport, url, host_config_of) as response:
        return response.read(max_bytes)


@contextlib.contextmanager
def received_guest_file(transport: Transport, url: str, host_config_of: HostConfigOf) -> Iterator[Iterator[bytes]]:
    """Yield the content of a guest's file in blocks. It is an error if it ends before its announced size."""
    with _opened(transport, url, host_config_of) as response:
        yield _blocks(response)


def _blocks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while block := response.read(_BLOCK):
        yield block
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)


@contextlib.contextmanager
def _opened(transport: Transport, url: str, host_config_of: HostConfigOf) -> Iterator[http.client.HTTPResponse]:
    place = place_of_url(url, host_config_of)
    with transfer_connection(transport, place.host, remedy=_LOOK_AT_HOST) as connection:
        connection.request("GET", place.path)
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise GantryError(f"{receiver(place)} refused the file of the guest: {why(response.status)}.")
        yield response


def upload_guest_file(
    transport: Transport, url: str, host_config_of: HostConfigOf, content: Upload, answer_seconds: float
) -> None:
    """Send content to a guest's file. The guest answers when it has written all of it."""
    place = place_of_url(url, host_config_of)
    headers = {"Content-Type": "application/octet-stream"}
    with transfer_connection(transport, place.host, remedy=_LOOK_AT_HOST) as connection:
        status = send(
            connection,
            "PUT",
            place.path,
            content.blocks,
            content.size,
            lambda _sent: None,
            headers,
            answer_seconds=answer_seconds,
        )
    if status not in (200, 201, 204):
        raise GantryError(f"{receiver(place)} could not send the file to the guest: {why(status)}.")

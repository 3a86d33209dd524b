# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The delivery of a container's files (contracts.md, section 10): its form, its parts and its limits. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey

# The operation that sends a part.
SEND_FILES = "/gantry/files"
# The field of the guest document that announces the files.
FIELD = "files"
# What a running guest follows of it, with the signals that its container's first process gets.
SHA256, SIGNALS = "sha256", "signals"
# What the guest's status says it waits for.
WAITING_FOR_FILES = "files"
MAX_FILES = 64
MAX_BYTES = 4 << 20
_MAGIC = b"GANTRYFILES1\n"
# In base64, and with the rest of the arguments, within the 48 KiB that the guest accepts.
_PART_BYTES = 33 << 10


@dataclass(frozen=True)
class Delivery:
    """The files as they are sent, and the digest by which the guest knows them. The content is in no representation."""

    sha256: str
    content: bytes = field(repr=False)

    def parts(self) -> Iterator[str]:
        """Yield the arguments of SEND_FILES, one for each part."""
        for offset in range(0, len(self.content), _PART_BYTES):
            data = self.content[offset : offset + _PART_BYTES]
            yield canonical_json(
                {
                    "sha256": self.sha256,
                    "offset": offset,
                    "data": base64.b64encode(data).decode("ascii"),
                    "last": offset + len(data) == len(self.content),
                }
            )


def make_delivery(salt: str, contents: Sequence[bytes]) -> Delivery:
    """Return the delivery of files. The salt is secret, so that nobody can guess a weak secret from the digest."""
    header = canonical_json({"salt": salt, "sizes": [len(content) for content in contents]})
    content = b"".join([_MAGIC, header.encode("ascii"), b"\n", *contents])
    return Delivery(hashlib.sha256(content).hexdigest(), content)


@dataclass(frozen=True)
class FilesToDeliver:
    """The files that a container may wait for, and what its guest operations require.

    The id is that of the machine as planned: one that the plan creates gets another.
    """

    delivery: Delivery
    guest_key: GuestKey
    container_id: str

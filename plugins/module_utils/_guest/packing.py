# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of extraConfig that are too large as text. Pure.

The VMX limits a value of guest info to 64 KiB. Larger ones are compressed. A prefix says so, and not a second key as
for cloud-init, so that value and encoding can never disagree. guest/internal/source reads the same form.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.document import MAX_BYTES

PREFIX = "gzip+base64:"
# The VMX accepts 64 KiB. The addresses that vCenter gives to adapters are added to the guest document later.
MAX_VALUE_BYTES = 60 << 10


def pack(text: str) -> str:
    """Return the value that is stored for an ASCII text."""
    if len(text) <= MAX_VALUE_BYTES:
        return text
    # Without a time the same text becomes the same value.
    return PREFIX + base64.b64encode(gzip.compress(text.encode("ascii"), mtime=0)).decode("ascii")


def unpack(value: str) -> str | None:
    """Return the text of a stored value; None if it is damaged (anyone may edit extraConfig)."""
    if not value.startswith(PREFIX):
        return value
    try:
        stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        content = stream.decompress(base64.b64decode(value[len(PREFIX) :], validate=True), MAX_BYTES + 1)
        return content.decode("ascii") if stream.eof and len(content) <= MAX_BYTES else None
    except (binascii.Error, zlib.error, ValueError):
        return None


def check_fits(text: str, what: str, remedy: str) -> None:
    """Refuse a text that is too large even if it is compressed."""
    stored = len(pack(text))
    if len(text) > MAX_BYTES or stored > MAX_VALUE_BYTES:
        raise GantryError(
            f"{what} has {len(text)} bytes as JSON and {stored} compressed. The limits are {MAX_BYTES} bytes, and "
            f"{MAX_VALUE_BYTES} compressed, which is what fits into one setting of a VM. {remedy}"
        )

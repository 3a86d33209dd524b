# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe the contents of a short text file, which a diff shows instead of digests."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.extract import extract
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.model import (
    FILE,
    DesiredCopy,
    FileFacts,
    Listing,
    LocalFiles,
    Texts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.guest import Guest

# What is longer is not read from the container just to be shown.
_MOST_BYTES = 32 << 10


def observe_texts(guest: Guest, desired: DesiredCopy, listing: Listing, local: LocalFiles) -> Texts:
    """Return the texts of a file that is to be copied into the container and differs from the one that is there."""
    new = local.files[0]
    old = listing.files[0] if listing.files else None
    if not _is_short(new) or (old is not None and (not _is_short(old) or old.sha256 == new.sha256)):
        return Texts()
    content = desired.content if desired.content is not None else Path(local.path).read_bytes()
    text = _text(content)
    if text is None or old is None:
        return Texts(None, text)
    before = _text(_content(guest, desired, listing))
    return Texts() if before is None else Texts(before, text)


def _is_short(file: FileFacts) -> bool:
    return file.kind == FILE and file.size <= _MOST_BYTES


def _content(guest: Guest, desired: DesiredCopy, listing: Listing) -> bytes:
    with tempfile.TemporaryDirectory(prefix="gantry-") as folder:
        with guest.pack(listing.path, desired.timeout, follow=False) as blocks:
            extract(blocks, Path(folder), _MOST_BYTES)
        file = Path(folder) / Path(listing.path).name
        return file.read_bytes() if file.is_file() and not file.is_symlink() else b""


def _text(content: bytes) -> str | None:
    """Return the content if it is text."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text

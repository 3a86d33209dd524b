# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe the files on both sides of a copy. The guest computes the digests of its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.decode import decode_listing
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.model import (
    DesiredCopy,
    Listing,
    ObservedCopy,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.observe_local import (
    local_source,
    local_target,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.observe_text import observe_texts
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.guest import Guest
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.observe import observe_exec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.target import reach

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_copy(session: Session, desired: DesiredCopy) -> ObservedCopy:
    """Return the files in the container and here."""
    local = None if desired.dest is not None else local_source(desired)
    observed = observe_exec(session, desired)
    reached = reach(desired, observed)
    guest = Guest(session, observed, reached)
    recursive = local is None or any(file.path for file in local.files)
    with session.reading():
        listing = _listing(guest, desired, recursive=recursive)
        if local is None:
            return ObservedCopy(observed, reached, listing, local_target(Path(desired.dest or ""), listing))
        return ObservedCopy(observed, reached, listing, local, observe_texts(guest, desired, listing, local))


def _listing(guest: Guest, desired: DesiredCopy, *, recursive: bool) -> Listing:
    path = desired.container_path
    found = guest.list_files(path, desired.timeout, follow=desired.follow, recursive=recursive, user=desired.owner)
    return decode_listing(found, path, guest.name)

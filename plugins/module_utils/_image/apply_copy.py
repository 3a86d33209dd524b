# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copy the template of an image to another datastore inside vCenter, without the image's source and without an upload.

The copy is made like an import: it has a name of its own and the state ``importing`` until it has its snapshot.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Flow
from ansible_collections.gantry.vsphere.plugins.module_utils._image.apply_batch import ImageBench, ImageSubject
from ansible_collections.gantry.vsphere.plugins.module_utils._image.apply_import import make_image, temporary_name
from ansible_collections.gantry.vsphere.plugins.module_utils._image.changes import CopyImage
from ansible_collections.gantry.vsphere.plugins.module_utils._image.encode import copy_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import SNAPSHOT, Claim, importing_values
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.clock import server_time
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job


def copy_image(subject: ImageSubject, change: CopyImage) -> Flow[None]:
    """Make the template, or use the one that another run has made. The lock of the image's disk is held."""
    yield from make_image(subject, change, _clone)


def _clone(subject: ImageSubject, change: CopyImage) -> Flow[str]:
    """Create a VM with a copy of the disk and return its MoID."""
    bench, place, session = subject.bench, subject.bench.place, subject.bench.session
    if subject.folder is None or place.pool is None:
        raise GantryError(f"The plan to copy {change.source_path} lacks its place.")
    folder, pool = session.ref("Folder", subject.folder), session.ref("ResourcePool", place.pool)
    host = None if place.host is None else session.ref("HostSystem", place.host)
    name = temporary_name(change)

    def start() -> Any:
        claim = Claim(controller=bench.locks.controller(), started=server_time(session))
        spec = copy_spec(
            snapshot=_snapshot(bench, change),
            pool=pool,
            host=host,
            datastore=session.ref("Datastore", change.datastore_moid),
            values=importing_values(reference=change.reference, references=change.references, claim=claim),
        )
        return bench.vm(change.source).CloneVM_Task(folder=folder, name=name, spec=spec)

    return moid_of((yield Job(change.name, "copy", start)))


def _snapshot(bench: ImageBench, change: CopyImage) -> Any:
    """Return the snapshot of the source, which has the image even if somebody has changed the template since."""
    rows = bench.session.read([bench.vm(change.source)], ["snapshot"])
    trees = getattr(rows[0].get("snapshot"), "rootSnapshotList", None) or () if rows else ()
    for tree in trees:
        if tree.name == SNAPSHOT:
            return tree.snapshot
    raise GantryError(
        f"The template {change.source_path}, which is to be copied, was removed or has lost its snapshot {SNAPSHOT} "
        "meanwhile. Run again."
    )

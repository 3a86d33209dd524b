# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Register templates on other hosts. Other runs may do the same at the same time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Flow
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.model import Rehoming
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, moid_or_none
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job, read_job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_TEMPLATE, _HOST = "config.template", "runtime.host"


def rehome(session: Session, change: Rehoming) -> Flow[str]:
    """Move a template to another host. Return its MoID, which is a new one if it was registered again."""
    if change.registers:
        return (yield from _register_again(session, change))
    if not change.template.is_template:
        yield from mark_as_template(session, change.moid, change.name)
    origin = change.template.facts.host
    yield from mark_as_vm(session, change.moid, change.name, pool=change.pool, host=change.host, origin=origin)
    yield from mark_as_template(session, change.moid, change.name)
    return change.moid


def mark_as_vm(
    session: Session, moid: str, name: str, *, pool: str, host: str, origin: str | None = None
) -> Flow[None]:
    """Make a template a VM on a host. ``origin``: it is enough that the template is no longer on this host."""
    vm = session.ref("VirtualMachine", moid)
    to = {"pool": session.ref("ResourcePool", pool), "host": session.ref("HostSystem", host)}

    def is_done(row: Row) -> bool:
        return not row.get(_TEMPLATE) if origin is None else moid_or_none(row.get(_HOST)) != origin

    yield from _mark(session, moid, name, "mark as VM", lambda: vm.MarkAsVirtualMachine(**to), is_done)


def mark_as_template(session: Session, moid: str, name: str) -> Flow[None]:
    """Make a VM a template on its host."""
    vm = session.ref("VirtualMachine", moid)
    yield from _mark(session, moid, name, "mark as template", vm.MarkAsTemplate, lambda row: bool(row.get(_TEMPLATE)))


def _mark(
    session: Session, moid: str, name: str, action: str, make: Callable[[], Any], is_done: Callable[[Row], bool]
) -> Flow[None]:
    try:
        yield Job(name, action, make, has_task=False)
    except FaultError:
        # Another run may have done it a moment ago.
        vm = session.ref("VirtualMachine", moid)
        rows = yield read_job(name, lambda: session.read([vm], [_TEMPLATE, _HOST]))
        if not rows or not is_done(rows[0]):
            raise


def _register_again(session: Session, change: Rehoming) -> Flow[str]:
    vm = session.ref("VirtualMachine", change.moid)
    folder = session.ref("Folder", change.template.folder)
    host = session.ref("HostSystem", change.host)
    path = change.template.config_file
    try:
        yield Job(change.name, "unregister", vm.UnregisterVM, has_task=False)
    except GantryError as error:
        raise _with_remedy(
            error,
            f"The template is registered on host {change.origin}, which is not connected. Connect the host again, or "
            "remove it from the inventory, and run container_image again.",
        ) from error
    try:
        made = yield Job(change.name, "register", lambda: folder.RegisterVM_Task(path=path, asTemplate=True, host=host))
    except GantryError as error:
        raise _with_remedy(
            error,
            f"The template is no longer in the inventory, and its files are there. Register {path} as a template, for "
            "example in the datastore browser of the vSphere Client.",
        ) from error
    session.warn(
        f"Template {change.path} was registered again on {change.host_name}, because its host {change.origin} is not "
        f"connected. Permissions and tags that it had of its own are lost. When {change.origin} is connected again, it "
        "may show the template a second time: remove that one from the inventory, and do not delete it from disk."
    )
    return moid_of(made)


def _with_remedy(error: GantryError, remedy: str) -> GantryError:
    return GantryError(f"{error.message.rstrip('.')}. {remedy}", fault=error.fault, details=error.details)

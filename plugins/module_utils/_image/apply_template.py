# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls that change one template, each safe beside other runs that change it at the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import (
    KEY_REFERENCES,
    decoded_references,
    encoded_references,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_ATTEMPTS = 5
# What vCenter says of a VM whose import lease is open.
_BUSY = frozenset({"TaskInProgress", "InvalidState", "ConcurrentAccess"})
_REFERENCES = f'config.extraConfig["{KEY_REFERENCES}"]'


def call(session: Session, action: str, subject: str, make: Callable[[], Any]) -> Any:
    """Make a change that has no vCenter task; record it as tasks are, to be reported if the run fails."""
    result = make()
    session.submitted.append({"action": action, "subject": subject, "task": ""})
    return result


def config_spec(values: Mapping[str, str], *, name: str | None = None) -> Any:
    spec = vim.vm.ConfigSpec(extraConfig=[vim.option.OptionValue(key=key, value=text) for key, text in values.items()])
    if name is not None:
        spec.name = name
    return spec


def destroy(session: Session, moid: str, subject: str, report: Report) -> None:
    """Remove the VM and its files. One that is gone already is what was wanted."""
    vm = session.ref("VirtualMachine", moid)
    try:
        session.run_one(Job(subject=subject, action="destroy", start=vm.Destroy_Task), report)
    except FaultError as error:
        if error.kind != "ManagedObjectNotFound":
            raise


def remove_interrupted(session: Session, moid: str, subject: str, report: Report) -> None:
    """Remove what an interrupted import left. One whose upload vCenter still waits for, it removes by itself."""
    try:
        destroy(session, moid, subject, report)
    except FaultError as error:
        if error.kind not in _BUSY:
            raise
        session.warn(
            f"vCenter still waits for the upload of the interrupted import {subject}, and does not let it be removed. "
            "It gives it up by itself within five minutes."
        )


def mark_template(session: Session, moid: str, subject: str) -> None:
    vm = session.ref("VirtualMachine", moid)
    _mark(session, moid, subject, "mark as template", vm.MarkAsTemplate, wanted=True)


def _mark(session: Session, moid: str, subject: str, action: str, make: Callable[[], Any], *, wanted: bool) -> None:
    try:
        call(session, action, subject, make)
    except FaultError:
        # Another run may have done it a moment ago.
        rows = session.read([session.ref("VirtualMachine", moid)], ["config.template"])
        if not rows or bool(rows[0].get("config.template")) is not wanted:
            raise


def change_references(
    session: Session,
    moid: str,
    subject: str,
    *,
    add: frozenset[str],
    remove: frozenset[str],
    pool: str | None,
    report: Report,
) -> None:
    """Add and remove references, whatever others have added or removed meanwhile.

    vCenter refuses to change a template, so it is a VM for as long as that takes. Linked clones can be made all the
    while. A run that ends in between leaves a VM that the next one marks as a template again.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        row = _read_references(session, moid, subject)
        if row.get("config.template"):
            _mark_vm(session, moid, subject, pool)
        try:
            _write_references(session, moid, subject, add, remove, report)
        except FaultError as error:
            # Another run has made it a template again in between.
            if error.kind != "NotSupported" or attempt == _ATTEMPTS:
                raise
            continue
        finally:
            mark_template(session, moid, subject)
        return


def _mark_vm(session: Session, moid: str, subject: str, pool: str | None) -> None:
    if pool is None:
        raise GantryError(f"{subject} was made a template by another run just now; run again with the option cluster.")
    vm, target = session.ref("VirtualMachine", moid), session.ref("ResourcePool", pool)
    _mark(session, moid, subject, "mark as VM", lambda: vm.MarkAsVirtualMachine(pool=target), wanted=False)


def _write_references(
    session: Session, moid: str, subject: str, add: frozenset[str], remove: frozenset[str], report: Report
) -> None:
    vm = session.ref("VirtualMachine", moid)

    def start() -> Any:
        # Read here, so that a try after somebody else's change starts from what that has made of it.
        row = _read_references(session, moid, subject)
        known = decoded_references(getattr(row.get(_REFERENCES), "value", None))
        spec = config_spec({KEY_REFERENCES: encoded_references(tuple((set(known) | add) - remove))})
        spec.changeVersion = row.get("config.changeVersion")
        return vm.ReconfigVM_Task(spec)

    session.run_one(Job(subject=subject, action="set references", start=start), report)


def _read_references(session: Session, moid: str, subject: str) -> Mapping[str, Any]:
    vm = session.ref("VirtualMachine", moid)
    rows = session.read([vm], ["config.template", "config.changeVersion", _REFERENCES])
    if not rows:
        raise GantryError(f"The template {subject} was removed by someone else meanwhile. Run again.")
    return rows[0]

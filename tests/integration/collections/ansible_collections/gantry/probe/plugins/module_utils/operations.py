# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A minimal operation, which manages a VM folder. Tests use it to reach the engine without a real module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan, nested
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job


@dataclass(frozen=True)
class Desired:
    name: str
    present: bool
    cluster: str | None
    datastore: str | None
    network: str | None
    echo: str


@dataclass(frozen=True)
class Observed:
    root: Entry
    folder: Entry | None


@dataclass(frozen=True)
class Create:
    name: str

    def describe(self) -> str:
        return f"create the folder {self.name}"

    def before(self) -> Mapping[str, Any]:
        return {}

    def after(self) -> Mapping[str, Any]:
        return nested("folders", self.name, value="present")

    def project(self, observed: Observed) -> Observed:
        return replace(
            observed,
            folder=Entry(
                name=self.name, path=f"{observed.root.path}/{self.name}", type_name="Folder", moid="", ref=None
            ),
        )


@dataclass(frozen=True)
class Remove:
    name: str

    def describe(self) -> str:
        return f"remove the folder {self.name}"

    def before(self) -> Mapping[str, Any]:
        return nested("folders", self.name, value="present")

    def after(self) -> Mapping[str, Any]:
        return {}

    def project(self, observed: Observed) -> Observed:
        return replace(observed, folder=None)


class FolderOperation(Operation[Desired, Observed, "Create | Remove"]):
    name = "folder"
    argument_spec = argument_spec(
        name={"type": "str", "required": True},
        state={"type": "str", "choices": ["present", "absent"], "default": "present"},
        cluster={"type": "str"},
        datastore={"type": "str"},
        network={"type": "str"},
        echo={"type": "str", "default": ""},
        token={"type": "str", "no_log": True},
        defect={"type": "bool", "default": False},
    )
    required_if = (("defect", True, ["token"]),)

    def desire(self, params: Mapping[str, Any]) -> Desired:
        if "/" in params["name"]:
            raise GantryError(f"name {params['name']!r} must not contain '/'.")
        if params["defect"]:
            raise ZeroDivisionError(f"of the module, with the token {params['token']}")
        return Desired(
            name=params["name"],
            present=params["state"] == "present",
            cluster=params["cluster"],
            datastore=params["datastore"],
            network=params["network"],
            echo=params["echo"],
        )

    def observe(self, session: Session, desired: Desired) -> Observed:
        inventory = session.inventory()
        for lookup, name in (
            (inventory.cluster, desired.cluster),
            (inventory.datastore, desired.datastore),
            (inventory.network, desired.network),
        ):
            if name is not None:
                lookup(name)
        if desired.echo:
            session.warn(f"echo {desired.echo}")
        root = inventory.folder(None, datacenter=inventory.datacenter())
        found = [entry for entry in inventory.all("Folder") if entry.path == f"{root.path}/{desired.name}"]
        return Observed(root, found[0] if found else None)

    def plan(self, desired: Desired, observed: Observed) -> Plan[Create | Remove]:
        if desired.present == (observed.folder is not None):
            return Plan()
        return Plan((Create(desired.name) if desired.present else Remove(desired.name),))

    def apply(
        self, session: Session, desired: Desired, observed: Observed, plan: Plan[Create | Remove], report: Report
    ) -> Observed:
        for change in plan.changes:
            if isinstance(change, Create):
                observed.root.ref.CreateFolder(change.name)
            elif observed.folder is not None:
                session.run_one(Job(change.name, "remove the folder", observed.folder.ref.Destroy_Task), report)
        return self.observe(session, desired)

    def result(self, desired: Desired, observed: Observed) -> dict[str, Any]:
        return {"folder": None if observed.folder is None else observed.folder.path, "echo": desired.echo}

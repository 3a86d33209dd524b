# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run container_set for a project in the lab, and see what is there of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session
from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.drive import drive


def vm_images(session: Session, prefix: str) -> dict[str, tuple[str, str, bool]]:
    """Return the id, the image, and whether it is on, of each VM with a name that begins so and that is no template."""
    properties = ["name", "config.template", "config.extraConfig", "runtime.powerState"]
    return {
        row["name"]: (
            row.moid,
            next((str(one.value) for one in row["config.extraConfig"] if one.key == "gantry.image"), ""),
            row["runtime.powerState"] == "poweredOn",
        )
        for row in session.read_all("VirtualMachine", properties)
        if row["name"].startswith(prefix) and not row["config.template"]
    }


@dataclass(frozen=True)
class Project:
    """The project "shop" in the lab. The names of its containers begin with PREFIX."""

    builder: VmBuilder
    calls: Control

    def options(self, *containers: dict[str, Any], **more: Any) -> dict[str, Any]:
        lab = self.builder.lab
        place = {"datacenter": lab["datacenter"], "cluster": lab["cluster"]}
        return {**lab["vcenter"], "project": "shop", "containers": list(containers), **place, **more}

    def run(self, *containers: dict[str, Any], check: bool = False, **options: Any) -> dict[str, Any]:
        self.calls.forget()
        return drive("container_set", self.options(*containers, **options), check=check)

    def ok(self, *containers: dict[str, Any], check: bool = False, **options: Any) -> dict[str, Any]:
        result = self.run(*containers, check=check, **options)
        assert "failed" not in result, result
        return result

    def refused(self, *containers: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Run a task that must fail before it changes anything."""
        result = self.run(*containers, **options)
        assert result.get("failed"), result
        assert self.calls.mutating() == []
        return result

    def images(self) -> dict[str, tuple[str, str, bool]]:
        """Return the id of the VM, the image, and whether it is on, of each VM."""
        return vm_images(self.builder.session, PREFIX)

    def names(self) -> list[str]:
        return sorted(self.images())

    def running(self) -> dict[str, str]:
        """Return the images of the VMs, which are on."""
        assert all(on for _moid, _image, on in self.images().values())
        return {name: image for name, (_moid, image, _on) in self.images().items()}

    def order(self) -> list[str]:
        """Return what was done to VMs, in its order."""
        kinds = {"CloneVM_Task": "clone", "Destroy_Task": "destroy", "PowerOnMultiVM_Task": "start"}
        return [kinds[method] for method in self.calls.methods() if method in kinds]

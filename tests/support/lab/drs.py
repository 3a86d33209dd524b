# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of DRS see of a cluster and do to it, with pyVmomi alone: none of the collection's code takes part."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.support.lab.control import Control
from tests.support.lab.drive import drive

_RULES = {
    vim.cluster.AffinityRuleSpec: "vm_affinity",
    vim.cluster.AntiAffinityRuleSpec: "vm_anti_affinity",
    vim.cluster.DependencyRuleInfo: "vm_dependency",
}
_LEVELS = {"manual": "manual", "partiallyAutomated": "partially_automated", "fullyAutomated": "fully_automated"}


class ClusterObserver:
    """A session that reads and changes one cluster, independent of the collection."""

    def __init__(self, lab: Mapping[str, Any], cluster: str) -> None:
        vcenter = lab["vcenter"]
        self._instance = SmartConnect(
            host=vcenter["hostname"],
            port=vcenter["port"],
            user=vcenter["username"],
            pwd=vcenter["password"],
            sslContext=ssl.create_default_context(cafile=vcenter["ca_path"]),
        )
        self.content = self._instance.RetrieveContent()
        (self.cluster,) = [one for one in self._all(vim.ClusterComputeResource) if one.name == cluster]

    def close(self) -> None:
        Disconnect(self._instance)

    # -- looking

    def vm(self, name: str) -> Any:
        (found,) = [vm for vm in self._all(vim.VirtualMachine) if vm.name == name]
        return found

    def count(self, prefix: str) -> int:
        """How many VMs have names that begin so."""
        return sum(vm.name.startswith(prefix) for vm in self._all(vim.VirtualMachine))

    def groups(self) -> dict[str, tuple[str, list[str]]]:
        """Name -> type and names of the members."""
        found = {}
        for group in self.cluster.configurationEx.group:
            of_hosts = isinstance(group, vim.cluster.HostGroup)
            members = group.host if of_hosts else group.vm
            found[group.name] = ("host" if of_hosts else "vm", sorted(one.name for one in members))
        return found

    def rules(self) -> dict[str, dict[str, Any]]:
        return {rule.name: _rule(rule) for rule in self.cluster.configurationEx.rule}

    def overrides(self) -> dict[str, str]:
        return {
            one.key.name: _LEVELS[str(one.behavior)] if one.enabled else "disabled"
            for one in self.cluster.configurationEx.drsVmConfig
        }

    # -- doing

    def write(self, **fields: Any) -> None:
        """Reconfigure the cluster, as another controller would."""
        spec = make("ConfigSpecEx", **fields)
        WaitForTask(self.cluster.ReconfigureComputeResource_Task(spec, True))

    def set_config(self, name: str, values: Mapping[str, str]) -> None:
        """Set keys of a VM's extraConfig."""
        option: Any = vim.option.OptionValue
        spec: Any = vim.vm.ConfigSpec
        changes = spec(extraConfig=[option(key=key, value=value) for key, value in values.items()])
        WaitForTask(self.vm(name).ReconfigVM_Task(changes))

    def group_spec(self, name: str) -> Any:
        """Return the spec that writes a group exactly as it is now."""
        (info,) = [group for group in self.cluster.configurationEx.group if group.name == name]
        return make("GroupSpec", operation="edit", info=info)

    def clear(self) -> None:
        """Remove all rules, groups and overrides."""
        config = self.cluster.configurationEx
        self.write(
            rulesSpec=[make("RuleSpec", operation="remove", removeKey=rule.key) for rule in config.rule],
            groupSpec=[make("GroupSpec", operation="remove", removeKey=group.name) for group in config.group],
            drsVmConfigSpec=[
                make("DrsVmConfigSpec", operation="remove", removeKey=one.key) for one in config.drsVmConfig
            ],
        )

    def destroy(self, prefix: str) -> None:
        """Remove the VMs whose names begin so."""
        for vm in [one for one in self._all(vim.VirtualMachine) if one.name.startswith(prefix)]:
            if vm.runtime.powerState != "poweredOff":
                WaitForTask(vm.PowerOffVM_Task())
            WaitForTask(vm.Destroy_Task())

    def _all(self, kind: type) -> list[Any]:
        view = self.content.viewManager.CreateContainerView(self.content.rootFolder, [kind], True)
        try:
            return list(view.view)
        finally:
            view.Destroy()


@contextmanager
def cluster_with_vms(lab: Mapping[str, Any], count: int, prefix: str) -> Iterator[ClusterObserver]:
    """Yield the lab's cluster without rules and with this many new VMs; remove them afterwards."""
    Control(lab["control"]).add_vms(count, prefix)
    one = ClusterObserver(lab, lab["cluster"])
    one.clear()
    yield one
    one.clear()
    one.destroy(prefix)
    one.close()


def make(kind: str, **fields: Any) -> Any:
    """Create a data object of a cluster's configuration; pyVmomi has no types for them."""
    return getattr(vim.cluster, kind)(**fields)


def _rule(rule: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"enabled": rule.enabled, "mandatory": bool(rule.mandatory)}
    if isinstance(rule, vim.cluster.VmHostRuleInfo):
        affine = rule.affineHostGroupName
        facts |= {
            "type": "vm_host_affinity" if affine else "vm_host_anti_affinity",
            "vm_group": rule.vmGroupName,
            "host_group": affine or rule.antiAffineHostGroupName,
        }
        assert not (affine and rule.antiAffineHostGroupName), "a rule both for and against hosts"
        return facts
    facts["type"] = _RULES[type(rule)]
    if isinstance(rule, vim.cluster.DependencyRuleInfo):
        return {**facts, "vm_group": rule.vmGroup, "depends_on": rule.dependsOnVmGroup}
    return {**facts, "vms": sorted(vm.name for vm in rule.vm)}


@dataclass(frozen=True)
class Drs:
    """Tasks of the modules on one cluster, beside what vCenter then really holds."""

    lab: Mapping[str, Any]
    calls: Control
    observer: ClusterObserver

    def run(self, module: str, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run a task, after forgetting the calls recorded before."""
        self.calls.forget()
        return drive(f"drs_{module}", {**self.lab["vcenter"], "cluster": self.lab["cluster"], **options}, check=check)

    def ok(self, module: str, **options: Any) -> dict[str, Any]:
        result = self.run(module, **options)
        assert not result.get("failed"), result
        return result

    def refused(self, module: str, **options: Any) -> str:
        """Return the message of a task that must fail without having changed anything."""
        result = self.run(module, **options)
        assert result.get("failed"), result
        assert "defect" not in result["msg"], result
        assert self.calls.mutating() == []
        assert not result["changed"]
        return str(result["msg"])

    def converge(self, module: str, **options: Any) -> dict[str, Any]:
        """Check mode, the real run and a second one: what check mode says is what the run does, in one write."""
        predicted = self.ok(module, check=True, **options)
        assert self.calls.mutating() == []
        done = self.ok(module, **options)
        assert predicted == done
        assert self.calls.mutating() == ["ReconfigureComputeResource_Task"] * done["changed"]
        again = self.ok(module, **options)
        assert not again["changed"]
        assert self.calls.mutating() == []
        assert {key: again[key] for key in again if key not in ("changed", "actions", "diff")} == {
            key: done[key] for key in done if key not in ("changed", "actions", "diff")
        }
        return done


def names(members: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted(str(member["name"]) for member in members)

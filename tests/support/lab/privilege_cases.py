# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For each module the tasks that use all privileges of its row of the table of privileges.

The tests of privileges run them as a user who has just these privileges, and as one who lacks one of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import DEFAULT_FOLDER
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.drs import ClusterObserver
from tests.support.lab.images import Store
from tests.support.lab.iso import make_iso
from tests.support.lab.placement import Site, wait_for
from tests.support.lab.storage_policies import TagPolicies

IMAGE = "registry.example.com/app:1"
NAME = f"{PREFIX}privileges"
FOLDER, POOL = "ct-tenant", "ct-pool"
GUEST_KEY = "a-key-of-privileges"
OTHER_FOLDER, NEW_FOLDER = "ct-other", "ct-new"


@dataclass(frozen=True)
class Step:
    """Options of a task, and what the administrator arranges before it."""

    name: str
    options: Mapping[str, Any]
    arrange: Callable[[], object] = lambda: None


class Cases:
    """The tasks, in a lab with two clusters, two datastores and two networks."""

    def __init__(self, lab: dict[str, Any], scratch: Path) -> None:
        self.lab = lab
        self.builder = VmBuilder(lab)
        self.control = Control(lab["control"])
        self.site = Site(lab, self.builder, self.control)
        self.cluster = ClusterObserver(lab, lab["cluster"])
        self._store = Store(lab["vcenter"])
        self._iso = str(make_iso(scratch, "9.9.1"))
        self._cache = str(scratch / "cache")
        self._policies: TagPolicies | None = None

    def close(self) -> None:
        self.cluster.close()
        self._store.session.close()
        self.builder.session.close()

    @contextmanager
    def arranged(self, module: str) -> Iterator[list[Step]]:
        """Yield the tasks of a module; before and after there is nothing of an earlier run of them."""
        self._clear()
        try:
            yield getattr(self, f"_{module}")()
        finally:
            self._clear()

    def _clear(self) -> None:
        self.control.reset()
        self._restore_hosts()
        self.cluster.clear()
        self.cluster.write(drsConfig=vim.cluster.DrsConfigInfo(defaultVmBehavior="fullyAutomated", vmotionRate=3))
        self.builder.clear(images=True)
        self._store.clear(self.lab["datastore"])
        self._clear_volumes()
        if self._policies is not None:
            self._policies.close()
            self._policies = None
        inventory = self.builder.session.inventory(refresh=True)
        for entry in inventory.all("Folder", "DistributedVirtualPortgroup"):
            if entry.name.startswith(PREFIX):
                self.builder.task("destroy", entry.ref.Destroy_Task)

    def _clear_volumes(self) -> None:
        manager = self.builder.session.content.vStorageObjectManager
        for store in self.builder.session.inventory(refresh=True).all("Datastore"):
            for disk in manager.ListVStorageObject(store.ref):
                delete = partial(manager.DeleteVStorageObject_Task, id=disk, datastore=store.ref)
                for one in manager.RetrieveSnapshotInfo(id=disk, datastore=store.ref).snapshots:
                    remove = partial(manager.DeleteSnapshot_Task, disk, store.ref, one.id)
                    self.builder.task("remove", remove)
                self.builder.task("delete", delete)

    def _restore_hosts(self) -> None:
        for host in self.lab["hosts"]:
            ref = self.site.host(host)
            if ref.runtime.connectionState != "connected":
                self.builder.task("connect", ref.ReconnectHost_Task)
            if self.site.in_maintenance(host):
                self.builder.task("exit", lambda ref=ref: ref.ExitMaintenanceMode_Task(timeout=60))

    # -- containers and images

    def _bootstrap_image(self) -> list[Step]:
        place = {"src": self._iso, "datastore": self.lab["datastore"]}
        return [Step("upload", place), Step("remove", {**place, "state": "absent"})]

    def _container_image(self) -> list[Step]:
        tiny = {"name": self.lab["images"]["tiny"], "registry_tls_verify": False, "cache_path": self._cache}
        place = {**tiny, "cluster": self.lab["cluster"], "datastore": self.lab["datastore"]}
        return [
            Step("import", place),
            Step("repair", place, self._forget_references),
            Step("move", {**place, "folder": NEW_FOLDER}),
            Step("copy", {**place, "datastore": "shared1"}),
            Step("remove the copy", {**place, "datastore": "shared1", "state": "absent"}),
            Step("host in maintenance", place, lambda: self._strand("maintenance")),
            Step("lost host", place, lambda: self._strand("lost")),
            Step("remove", {**place, "state": "absent"}),
        ]

    def _forget_references(self) -> None:
        """Let the template have no references, so that they are written again."""
        vm = self._image_vm()
        vm.MarkAsVirtualMachine(pool=self.cluster.cluster.resourcePool)
        self.builder.set_config(vm._moId, {"gantry.image.references": "[]"})
        vm.MarkAsTemplate()

    def _container_image_info(self) -> list[Step]:
        return [Step("read", {}, self._image)]

    def _container_image_prune(self) -> list[Step]:
        return [Step("prune", {"dangling": False, "cache_path": self._cache}, self._image_in_its_folder)]

    def _image_in_its_folder(self) -> None:
        self._store.create_folder(DEFAULT_FOLDER)
        self.builder.make_image(IMAGE, 1, {"Cmd": ["serve"]}, folder=DEFAULT_FOLDER)

    def _container_vm(self) -> list[Step]:
        self._image()
        for name in (FOLDER, OTHER_FOLDER):
            self.builder.create_folder(name)
        for name in (POOL, f"{POOL}2"):
            self.builder.create_pool(name)
        mine = {
            "name": NAME,
            "image": IMAGE,
            "cluster": self.lab["cluster"],
            "datastore": self.lab["datastore"],
            "folder": FOLDER,
            "resource_pool": POOL,
            "networks": [{"name": "VM Network"}],
            "guest_operations": True,
            "guest_key": GUEST_KEY,
            "secrets": [{"name": "db", "content": "password"}],
        }
        started = {**mine, "state": "started"}
        moved = {**started, "folder": OTHER_FOLDER, "resource_pool": f"{POOL}2", "placement_drift": "relocate"}
        off = {**moved, "state": "stopped"}
        on_other = {**moved, "datastore": "shared1"}
        return [
            Step("create", started),
            Step("change", {**started, "labels": {"tier": "front"}}),
            Step("resources", {**started, "labels": {"tier": "front"}, "cpu_shares": "high"}),
            Step("restart", {**started, "memory": "256M", "cpus": 2, "env": {"A": "b"}, "notes": "changed"}),
            Step("network", {**started, "networks": [{"name": "Backend"}]}),
            Step("repair", started, self._tamper),
            Step("mount", {**started, "volumes": [f"{NAME}:/data"]}, self._volume),
            Step("replace", {**started, "recreate": True}, self._image_as_vm),
            Step("suspend", {"name": NAME, "state": "suspended"}),
            Step("resume", {"name": NAME, "state": "started"}),
            Step("move", moved),
            Step("relocate", on_other),
            Step("stop", {**on_other, "state": "stopped"}),
            Step("relocate off", off),
            Step("host in maintenance", {**off, "recreate": True}, lambda: self._strand("maintenance")),
            Step("lost host", {**off, "recreate": True}, lambda: self._strand("lost")),
            Step("replace in a group", {**off, "recreate": True}, self._in_group),
            Step("remove", {"name": NAME, "folder": OTHER_FOLDER, "state": "absent"}),
        ]

    def _in_group(self) -> None:
        """Put the container's VM into a group of VMs."""
        vm = self.builder.session.ref("VirtualMachine", self.builder.vm(NAME).moid)
        group = vim.cluster.VmGroup(name=f"{PREFIX}group", vm=[vm])
        self.cluster.write(groupSpec=[vim.cluster.GroupSpec(operation="add", info=group)])

    def _image_as_vm(self) -> None:
        """Let the image be a VM, as it is while its references are changed."""
        self._image_vm().MarkAsVirtualMachine(pool=self.cluster.cluster.resourcePool)

    def _strand(self, how: str) -> None:
        """Let the host of the image's template be in maintenance mode, or lost: one without a container."""
        self._restore_hosts()
        busy = set(self.site.hosts().values())
        host = next(one for one in ("esx1", "esx2", "esx3") if one not in busy)
        ref = self._put_image(host)
        if how == "maintenance":
            self.builder.task("enter", lambda: ref.EnterMaintenanceMode_Task(timeout=60))
        else:
            self.builder.task("disconnect", ref.DisconnectHost_Task)

    def _put_image(self, host: str) -> Any:
        """Register the image's template on a host, and return the host."""
        ref, template = self.site.host(host), self._image_vm()
        if template.config.template:
            template.MarkAsVirtualMachine(pool=self.cluster.cluster.resourcePool, host=ref)
            template.MarkAsTemplate()
        return ref

    def _image_vm(self) -> Any:
        (template,) = self._store.templates()
        return self.builder.session.ref("VirtualMachine", template.moid)

    def _tamper(self) -> None:
        """Power off, disconnect the adapter, and eject the bootstrap CD, as a user of the vSphere Client may."""
        vm = self.builder.vm(NAME)
        self.builder.power_off(vm.moid)
        (card,) = vm.of_kind(vim.vm.device.VirtualEthernetCard)
        card.connectable.connected = card.connectable.startConnected = False
        self._edit(vm.moid, card)
        (drive,) = vm.of_kind(vim.vm.device.VirtualCdrom)
        drive.backing = vim.vm.device.VirtualCdrom.RemotePassthroughBackingInfo(deviceName="", exclusive=False)
        self._edit(vm.moid, drive)

    def _edit(self, moid: str, device: Any) -> None:
        change = vim.vm.device.VirtualDeviceSpec(operation="edit", device=device)
        self.builder.reconfigure(moid, vim.vm.ConfigSpec(deviceChange=[change]))

    def _container_set(self) -> list[Step]:
        self._image()
        one = {"name": NAME, "image": IMAGE, "networks": [{"name": "VM Network"}], "state": "started"}
        place = {"cluster": self.lab["cluster"], "datastore": self.lab["datastore"]}
        project = {"project": "privileges", "defaults": place}
        return [
            Step("create", {**project, "containers": [one]}),
            Step("replace", {**project, "containers": [{**one, "recreate": True}]}, lambda: self._strand("lost")),
            Step("replace in a group", {**project, "containers": [{**one, "recreate": True}]}, self._in_group),
            Step("remove", {**project, "state": "absent"}),
        ]

    def _container_stack(self) -> list[Step]:
        self.builder.upload_bootstrap()
        service = {
            "image": self.lab["images"]["tiny"],
            "container_name": NAME,
            "command": ["sleep", "1000"],
            "volumes": ["data:/data"],
            "secrets": ["db"],
        }
        place = {"cluster": self.lab["cluster"], "datastore": self.lab["datastore"], "volume_size": "16M"}
        registry = {"registry_tls_verify": False, "cache_path": self._cache}
        task = {**place, **registry, "networks": {"*": "VM Network"}, "guest_key": GUEST_KEY}

        def options(**more: Any) -> dict[str, Any]:
            secrets = {"db": {"environment": "PASSWORD"}}
            project = {"services": {"app": {**service, **more}}, "volumes": {"data": {}}, "secrets": secrets}
            text = json.dumps({"name": "privileges", **project})
            return {**task, "definition": text, "secret_variables": {"PASSWORD": "of-privileges"}}

        reserved = {"mem_limit": "256M", "x-gantry": {"cpu_reservation": 100}}
        return [
            Step("create", options()),
            Step("change", options(**reserved)),
            Step("repair", options(**reserved), self._tamper),
            Step("image", options(**reserved, labels={"a": "b"}), self._forget_references),
            Step("image as VM", options(**reserved, read_only=True), self._image_as_vm),
            Step("lost host", options(**reserved), lambda: self._strand("lost")),
            Step("replace in a group", options(**reserved, read_only=True), self._in_group),
            Step(
                "rules", options(**reserved, read_only=True, deploy={"placement": {"constraints": [self._off_host()]}})
            ),
            Step(
                "remove",
                {
                    **options(),
                    "state": "absent",
                    "remove_images": "all",
                    "remove_volumes": True,
                    "confirm_data_loss": True,
                },
            ),
        ]

    def _off_host(self) -> str:
        """Return the constraint that keeps the containers of a service off a host."""
        return f"node.hostname != {self.lab['hosts'][0]}"

    def _container_stack_info(self) -> list[Step]:
        return [Step("read", {})]

    def _container_vm_exec(self) -> list[Step]:
        return [Step("run", {**self._permitting_container(), "argv": ["true"]})]

    def _container_vm_copy(self) -> list[Step]:
        copy = {**self._permitting_container(), "container_path": "/tmp/file"}
        return [Step("copy", {**copy, "content": "x", "mode": "0600"})]

    def _container_vm_logs(self) -> list[Step]:
        return [Step("read", self._permitting_container())]

    def _permitting_container(self) -> dict[str, Any]:
        """Start a container that permits guest operations; return its name and key."""
        self._image()
        key = {"guest_key": GUEST_KEY}
        place = {"cluster": self.lab["cluster"], "datastore": self.lab["datastore"]}
        container = {"name": NAME, "image": IMAGE, "guest_operations": True, **place, **key}
        made = drive("container_vm", {**self.lab["vcenter"], **container})
        if made.get("failed"):
            raise AssertionError(made)
        return {"name": NAME, **key}

    def _container_vm_info(self) -> list[Step]:
        return [Step("read", {}, self._image), Step("exit", {"exit_from_disk": True}, self._lost_end)]

    def _lost_end(self) -> None:
        """Let a container end when no task looks at it."""
        command = ["lab-guest", json.dumps({"run_ms": 10, "exit_code": 3, "linger_ms": 0})]
        self.site.ok("container_vm", name=NAME, image=IMAGE, cluster=self.lab["cluster"], command=command, wait=False)
        wait_for(lambda: self.builder.vm(NAME).power == "poweredOff")

    def _cluster_info(self) -> list[Step]:
        return [Step("read", {})]

    def _container_volume(self) -> list[Step]:
        volume = {"name": NAME, "datastore": self.lab["datastore"]}
        return [
            Step("create", {**volume, "size": "16M"}),
            Step("change", {**volume, "size": "32M", "labels": {"a": "b"}, "snapshots": [{"name": "one"}]}),
            Step("policy", {**volume, "storage_policy": "gold"}, self._policy),
            Step("restore", {"name": NAME, "restore": "one", "confirm_data_loss": True}),
            Step("copy", {**volume, "name": f"{NAME}-copy", "source": NAME}),
            Step(
                "delete",
                {
                    "volumes": [
                        {"name": NAME, "snapshots": [{"name": "one", "state": "absent"}]},
                        {"name": f"{NAME}-copy"},
                    ],
                    "state": "absent",
                    "confirm_data_loss": True,
                },
            ),
        ]

    def _container_volume_info(self) -> list[Step]:
        return [
            Step("read", {}, self._volume),
            Step("ages", {"snapshot_ages": True}),
            Step("policies", {"storage_policies": True}),
        ]

    def _volume(self) -> None:
        """Create a volume with a snapshot."""
        volume = {"name": NAME, "datastore": self.lab["datastore"], "size": "16M", "snapshots": [{"name": "one"}]}
        made = drive("container_volume", {**self.lab["vcenter"], **volume})
        if "failed" in made:
            raise AssertionError(made)

    def _policy(self) -> None:
        """Create the storage policy gold, which the datastore satisfies."""
        self._policies = TagPolicies(self.lab)
        self._policies.create("gold")
        store = self.builder.session.inventory().datastore(self.lab["datastore"])
        self._policies.tag(store.ref, "gold")

    def _image(self) -> None:
        self.builder.upload_bootstrap()
        self.builder.make_image(IMAGE, 1, {"Cmd": ["serve"]})

    # -- places

    def _resource_pool(self) -> list[Step]:
        pool = {"cluster": self.lab["cluster"], "path": POOL}
        return [
            Step("create", pool),
            Step("change", {**pool, "cpu": {"shares": "high"}}),
            Step("remove", {**pool, "state": "absent"}),
        ]

    def _vm_folder(self) -> list[Step]:
        return [Step("create", {"path": FOLDER}), Step("remove", {"path": FOLDER, "state": "absent"})]

    def _container_network(self) -> list[Step]:
        network = {"name": f"{PREFIX}pooled", "switch": "DSwitch0", "ipv4": {"subnet": "10.97.0.0/24"}}
        standard = {"name": f"{PREFIX}hosts", "switch": "vSwitch0", "type": "standard", "hosts": ["esx1"]}
        return [
            Step("create", network),
            Step("change", {**network, "vlan": 12, "ipv4": {"subnet": "10.97.0.0/25"}}),
            Step("switch", {**network, "mtu": 9000}),
            Step("restore the switch", {**network, "mtu": 1500}),
            Step("remove", {**network, "state": "absent"}),
            Step("create on hosts", standard),
            Step("remove from hosts", {**standard, "state": "absent"}),
        ]

    def _container_network_info(self) -> list[Step]:
        return [Step("read", {})]

    def _port_group(self) -> list[Step]:
        group = {"name": f"{PREFIX}net", "switch": "DSwitch0"}
        standard = {"name": f"{PREFIX}standard", "switch": "vSwitch0", "type": "standard", "hosts": ["esx1"]}
        return [
            Step("create", group),
            Step("change", {**group, "vlan": 12}),
            Step("switch", {**group, "mtu": 9000}),
            Step("restore the switch", {**group, "mtu": 1500}),
            Step("remove", {**group, "state": "absent"}),
            Step("create on hosts", standard),
            Step("remove from hosts", {**standard, "state": "absent"}),
        ]

    # -- placement

    def _vm_vmotion(self) -> list[Step]:
        on, off = f"{PREFIX}on", f"{PREFIX}off"
        self.builder.create_pool(POOL)
        self.site.make(on, host="esx1")
        self.site.make(off, host="esx1", on=False)
        return [
            Step("running", {"vms": [on], "host": "esx2"}),
            Step("off", {"vms": [off], "host": "esx2"}),
            Step("pool", {"vms": [on], "resource_pool": POOL, "cluster": "C0"}),
            Step("datastore", {"vms": [on], "datastore": "shared1"}),
            Step("network", {"vms": [on], "host": "esx1", "network_mapping": {"VM Network": "Backend"}}),
            Step("cluster", {"vms": [on], "host": "esx4", "network_mapping": {"Backend": "VM Network"}}),
        ]

    def _host_maintenance(self) -> list[Step]:
        self.site.make(f"{PREFIX}on", host="esx1")
        self.site.make(f"{PREFIX}off", host="esx1", on=False)
        self._image()
        self._put_image("esx1")
        host = {"host": "esx1", "evacuation": "explicit", "evacuate_powered_off": True}
        return [Step("enter", host), Step("exit", {"host": "esx1", "state": "absent"})]

    # -- DRS

    def _vms(self) -> list[str]:
        self.site.make(f"{PREFIX}0", f"{PREFIX}1", host="esx1")
        return [f"{PREFIX}0", f"{PREFIX}1"]

    def _drs(self, **options: Any) -> list[Step]:
        return [Step("write", {"cluster": self.lab["cluster"], **options})]

    def _drs_cluster(self) -> list[Step]:
        return self._drs(migration_threshold=5)

    def _drs_group(self) -> list[Step]:
        return self._drs(name="g", type="vm", members=self._vms())

    def _drs_rule(self) -> list[Step]:
        return self._drs(name="r", type="vm_affinity", vms=self._vms())

    def _drs_override(self) -> list[Step]:
        return self._drs(vms=self._vms(), automation_level="manual")

    def _drs_ruleset(self) -> list[Step]:
        return self._drs(groups=[{"name": "s", "type": "vm", "members": self._vms()}])

    def _drs_compliance_info(self) -> list[Step]:
        return self._drs()

    def _cluster_info(self) -> list[Step]:
        return self._drs()

    def _drs_recommendation(self) -> list[Step]:
        return [Step("apply", {"cluster": self.lab["cluster"], "action": "apply", "all": True}, self._recommend)]

    def _recommend(self) -> None:
        """Violate a rule in a cluster in which DRS only recommends."""
        vms = [self.site.vm(name) for name in self._vms()]
        rule = vim.cluster.AntiAffinityRuleSpec(name="apart", enabled=True, vm=vms)
        manual = vim.cluster.DrsConfigInfo(defaultVmBehavior="manual")
        self.cluster.write(drsConfig=manual)
        self.cluster.write(rulesSpec=[vim.cluster.RuleSpec(operation="add", info=rule)])
        self.cluster.cluster.RefreshRecommendation()

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of privileges: what each module requires, on which objects, and for what. Pure data.

The notes in the documentation of the modules, the tables of the security guide, the presets of the module access and
the users of the integration tests are made of it. Reading is in no row: every module requires the privileges of the
role Read-only on the objects that it reads and on those that lead to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Where privileges are required: by the name of the place, how texts call it.
ROOT, DATACENTER, FOLDER, VM, TEMPLATE, IMAGES = "root", "datacenter", "folder", "vm", "template", "images"
POOL, CLUSTER, HOST, DATASTORE, NETWORK = "resource_pool", "cluster", "host", "datastore", "network"
SWITCH, PORT_GROUP = "switch", "port_group"
PLACES: Mapping[str, str] = {
    ROOT: "the root folder of vCenter",
    DATACENTER: "the datacenter",
    FOLDER: "the VM folder",
    VM: "the VMs",
    TEMPLATE: "the templates of images",
    IMAGES: "the folder of the images",
    POOL: "the resource pool",
    CLUSTER: "the cluster",
    HOST: "the host",
    DATASTORE: "the datastore",
    NETWORK: "the networks",
    SWITCH: "the distributed switch",
    PORT_GROUP: "the distributed port group",
}
# What is in a place gets its privileges by a permission there that propagates.
PROPAGATED: Mapping[str, str] = {
    IMAGES: "the folder of the images and, by propagation, what is in it",
    FOLDER: "the VM folder and, by propagation, what is in it",
    POOL: "the resource pool and, by propagation, the pools in it",
}


@dataclass(frozen=True)
class Requirement:
    """Privileges on one kind of object. ``purpose`` says what for; with ``propagate`` also on what is in the object.

    What only an option of a module needs that few tasks give is ``optional``: presets of roles do not include it.
    """

    place: str
    privileges: tuple[str, ...]
    purpose: str
    propagate: bool = False
    optional: bool = False

    @property
    def where(self) -> str:
        return PROPAGATED[self.place] if self.propagate else PLACES[self.place]


_RULES = (Requirement(CLUSTER, ("Host.Inventory.EditCluster",), "to change the cluster's configuration"),)
_NEW_VM = ("VirtualMachine.Config.AddNewDisk", "VirtualMachine.Config.AdvancedConfig")
_REHOME = Requirement(
    IMAGES,
    (
        "VirtualMachine.Inventory.Register",
        "VirtualMachine.Inventory.Unregister",
        "VirtualMachine.Provisioning.MarkAsTemplate",
        "VirtualMachine.Provisioning.MarkAsVM",
    ),
    "to move the template of an image away from a host that is not connected or in maintenance mode",
    propagate=True,
)
# The requirements of containers that are not moved or suspended and have no notes, as those of a stack.
_STACK_CONTAINERS = (
    Requirement(
        FOLDER,
        (
            "VirtualMachine.Inventory.CreateFromExisting",
            *_NEW_VM,
            "VirtualMachine.Config.AddRemoveDevice",
            "VirtualMachine.Config.CPUCount",
            "VirtualMachine.Config.Memory",
            "VirtualMachine.Config.Settings",
        ),
        "to create or change containers",
        propagate=True,
    ),
    Requirement(
        FOLDER,
        (
            "VirtualMachine.Config.EditDevice",
            "VirtualMachine.Interact.DeviceConnection",
            "VirtualMachine.Interact.SetCDMedia",
        ),
        "to change networks, and to repair adapters and the bootstrap CD",
        propagate=True,
    ),
    Requirement(
        FOLDER,
        ("VirtualMachine.Config.Resource",),
        "to change reservations, limits and shares of CPU and memory",
        propagate=True,
        optional=True,
    ),
    Requirement(
        FOLDER,
        ("VirtualMachine.Interact.PowerOn", "VirtualMachine.Interact.PowerOff"),
        "to start, stop and restart containers",
        propagate=True,
    ),
    Requirement(
        FOLDER,
        ("VirtualMachine.Config.Rename", "VirtualMachine.Inventory.Delete"),
        "to replace containers, and the second to remove them",
        propagate=True,
    ),
    Requirement(
        CLUSTER,
        ("Host.Inventory.EditCluster",),
        "to keep a container that is replaced in the DRS rules, the VM groups and the overrides of its VM",
        optional=True,
    ),
    Requirement(
        FOLDER,
        ("VirtualMachine.Config.AddExistingDisk", "VirtualMachine.Config.RemoveDisk"),
        "to mount volumes",
        propagate=True,
    ),
    Requirement(
        DATASTORE,
        ("Datastore.FileManagement",),
        "to check that volumes on it are kept when their VM is deleted, and to record when they are detached; without "
        "it a warning says so",
        optional=True,
    ),
    Requirement(
        FOLDER,
        ("VirtualMachine.GuestOperations.Execute",),
        "to deliver files and secrets to containers",
        propagate=True,
    ),
    Requirement(
        TEMPLATE,
        ("VirtualMachine.Provisioning.Clone", "VirtualMachine.Provisioning.DeployTemplate"),
        "to create or replace containers",
    ),
    _REHOME,
    Requirement(POOL, ("Resource.AssignVMToPool",), "to create or move containers"),
    Requirement(DATASTORE, ("Datastore.AllocateSpace",), "to create or move containers"),
    Requirement(DATASTORE, ("Datastore.Browse",), "to find the bootstrap ISO"),
    Requirement(DATACENTER, ("Datastore.FileManagement",), "to read the version of the bootstrap ISO from the file"),
    Requirement(NETWORK, ("Network.Assign",), "to connect containers"),
)
_CONTAINERS = (
    *_STACK_CONTAINERS,
    Requirement(FOLDER, ("VirtualMachine.Config.Annotation",), "to change notes", propagate=True),
    Requirement(FOLDER, ("VirtualMachine.Interact.Suspend",), "to suspend containers", propagate=True),
    Requirement(
        FOLDER,
        ("VirtualMachine.Inventory.Move",),
        "to move a container to another folder, on both folders",
        propagate=True,
    ),
    Requirement(
        FOLDER,
        ("Resource.ColdMigrate", "Resource.HotMigrate"),
        "to move a container to another datastore with placement_drift=relocate",
        propagate=True,
    ),
)

_PORT_GROUP = (
    Requirement(SWITCH, ("DVPortgroup.Create",), "to create a distributed port group"),
    Requirement(SWITCH, ("DVSwitch.Modify",), "to change its MTU"),
    Requirement(PORT_GROUP, ("DVPortgroup.Modify",), "to change it"),
    Requirement(PORT_GROUP, ("DVPortgroup.Delete",), "to remove it, on it and on its folder"),
    Requirement(HOST, ("Host.Config.Network",), "to manage standard port groups, on each host"),
)

_STACK_IMAGES = (
    Requirement(
        FOLDER,
        (
            "VApp.Import",
            *_NEW_VM,
            "VirtualMachine.Config.Rename",
            "VirtualMachine.Provisioning.MarkAsTemplate",
            "VirtualMachine.State.CreateSnapshot",
        ),
        "to import an image",
        propagate=True,
    ),
    Requirement(
        FOLDER,
        ("VirtualMachine.Inventory.CreateFromExisting", "VirtualMachine.Provisioning.DeployTemplate"),
        "to copy an image to another datastore",
        propagate=True,
    ),
    Requirement(POOL, ("VApp.Import",), "to import an image"),
    Requirement(DATASTORE, ("Datastore.AllocateSpace",), "to import or copy an image"),
    Requirement(FOLDER, ("Folder.Create",), "to create the folder of the images", propagate=True),
    Requirement(
        FOLDER, ("VirtualMachine.Provisioning.MarkAsVM",), "to change the references of an image", propagate=True
    ),
    _REHOME,
    Requirement(
        POOL,
        ("Resource.AssignVMToPool",),
        "to copy an image, to change its references, or to move it to another host",
    ),
    Requirement(
        FOLDER,
        ("VirtualMachine.Inventory.Delete",),
        "to remove an image, or what an interrupted import has left",
        propagate=True,
    ),
)
_IMAGE_FOLDERS = Requirement(
    FOLDER,
    ("VirtualMachine.Inventory.Move",),
    "to move an image to another folder, on both folders",
    propagate=True,
)
_VOLUME_FILES = Requirement(
    DATASTORE, ("Datastore.FileManagement",), "to create, change, copy, restore and delete volumes on it"
)
_VOLUME_POLICIES = Requirement(
    ROOT,
    ("StorageProfile.View",),
    "to find storage policies and the datastores that fulfil them with storage_policy",
    optional=True,
)
_STACK_RULES = Requirement(
    CLUSTER,
    ("Host.Inventory.EditCluster",),
    "to keep replicas on different hosts, without which a warning says so, and containers on hosts that the files name",
    optional=True,
)

REQUIREMENTS: Mapping[str, tuple[Requirement, ...]] = {
    "access": (
        Requirement(ROOT, ("Authorization.ModifyRoles",), "to create, change or remove roles"),
        Requirement(
            ROOT, ("Authorization.ModifyPermissions",), "to change permissions, or on the objects that have them"
        ),
    ),
    "bootstrap_image": (
        Requirement(DATASTORE, ("Datastore.Browse", "Datastore.FileManagement"), "to list, upload and remove files"),
        Requirement(DATACENTER, ("Datastore.FileManagement",), "to upload, because vCenter checks the datacenter then"),
    ),
    "cluster_info": (),
    "container_image": (*_STACK_IMAGES, _IMAGE_FOLDERS),
    "container_image_info": (),
    "container_image_prune": (
        Requirement(FOLDER, ("VirtualMachine.Inventory.Delete",), "to remove images", propagate=True),
    ),
    "container_network": (
        *_PORT_GROUP,
        Requirement(DATACENTER, ("Datacenter.IpPoolConfig",), "to create, change or remove an address pool"),
    ),
    "container_network_info": (),
    "container_set": _CONTAINERS,
    "container_stack": tuple(dict.fromkeys((*_STACK_CONTAINERS, *_STACK_IMAGES, _VOLUME_FILES, _STACK_RULES))),
    "container_stack_info": (),
    "container_vm": _CONTAINERS,
    "container_vm_copy": (
        Requirement(
            FOLDER,
            ("VirtualMachine.GuestOperations.Execute", "VirtualMachine.GuestOperations.Query"),
            "to look at files of a container, and to read them and the result of a copy",
            propagate=True,
        ),
        Requirement(
            FOLDER, ("VirtualMachine.GuestOperations.Modify",), "to copy files into a container", propagate=True
        ),
    ),
    "container_vm_exec": (
        Requirement(
            FOLDER,
            ("VirtualMachine.GuestOperations.Execute", "VirtualMachine.GuestOperations.Query"),
            "to run a program, and to read its state and its result",
            propagate=True,
        ),
    ),
    "container_vm_info": (
        Requirement(
            FOLDER,
            ("VApp.Export",),
            "to read the end of containers from their disks with exit_from_disk=true",
            propagate=True,
            optional=True,
        ),
    ),
    "container_vm_logs": (
        Requirement(
            FOLDER,
            ("VirtualMachine.GuestOperations.Query",),
            "to read the logs of running containers",
            propagate=True,
        ),
    ),
    "container_vms": (),
    "container_volume": (_VOLUME_FILES, _VOLUME_POLICIES),
    "container_volume_info": (
        Requirement(
            ROOT, ("StorageProfile.View",), "to read storage policies with storage_policies=true", optional=True
        ),
        Requirement(
            DATASTORE,
            ("Datastore.FileManagement",),
            "to read how old the snapshots of volumes are with snapshot_ages=true",
            optional=True,
        ),
    ),
    "drs_cluster": _RULES,
    "drs_compliance_info": (),
    "drs_group": _RULES,
    "drs_override": _RULES,
    "drs_recommendation": (Requirement(CLUSTER, ("Resource.ApplyRecommendation",), "to apply a recommendation"),),
    "drs_rule": _RULES,
    "drs_ruleset": _RULES,
    "host_maintenance": (
        Requirement(HOST, ("Host.Config.Maintenance",), "to enter and to exit maintenance mode"),
        Requirement(
            VM,
            ("Resource.ColdMigrate", "Resource.HotMigrate"),
            "to move the VMs with evacuation=explicit",
        ),
        Requirement(
            VM,
            ("VirtualMachine.Provisioning.MarkAsTemplate", "VirtualMachine.Provisioning.MarkAsVM"),
            "to move the templates of images, and with evacuate_powered_off other templates, to other hosts",
        ),
        Requirement(POOL, ("Resource.AssignVMToPool",), "to move templates, on the root pool of the cluster"),
    ),
    "port_group": _PORT_GROUP,
    "resource_pool": (
        Requirement(POOL, ("Resource.CreatePool",), "to create a pool, on its parent"),
        Requirement(POOL, ("Resource.EditPool",), "to change a pool, on it and on its parent"),
        Requirement(POOL, ("Resource.DeletePool",), "to remove a pool, on it and on its parent"),
    ),
    "vm_folder": (
        Requirement(FOLDER, ("Folder.Create",), "to create a folder, on its parent"),
        Requirement(FOLDER, ("Folder.Delete",), "to remove a folder, on it and on its parent"),
    ),
    "vm_vmotion": (
        Requirement(VM, ("Resource.ColdMigrate",), "to move VMs, running or not"),
        Requirement(VM, ("Resource.HotMigrate",), "to move running VMs"),
        Requirement(POOL, ("Resource.AssignVMToPool",), "to move VMs to another resource pool or cluster"),
        Requirement(DATASTORE, ("Datastore.AllocateSpace",), "to move VMs to another datastore"),
        Requirement(NETWORK, ("Network.Assign",), "to connect VMs to another network"),
    ),
}

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the specs that are sent to vCenter, and the model that is decoded from its responses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode import (
    decode_adapters,
    decode_image,
    decode_machine,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode import (
    clone_spec,
    name_spec,
    reconfigure_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ContainerAdapter, Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.backings import network_backing
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from tests.support.builders.containers import entry
from tests.support.builders.inventory import small_inventory

vim = pytest.importorskip("pyVmomi").vim
device = vim.vm.device

CONTROLLER = device.ParaVirtualSCSIController(key=1000, busNumber=0, sharedBus="noSharing")
IDE = device.VirtualIDEController(key=200, busNumber=0)
IMAGE_DISK = device.VirtualDisk(key=2000, controllerKey=1000, unitNumber=0, capacityInKB=1024)
BACKINGS = {
    name: network_backing(small_inventory(), Entry(name, "", "Network", name, vim.Network(name)))
    for name in ("net0", "net1")
}
MACHINE = Machine(
    moid="vm-1",
    name="web",
    path="/DC0/vm/web",
    kind="container",
    container_id="id",
    memory_mb=256,
    cpus=1,
    config={},
    document={"a": 1},
    adapters=(ContainerAdapter(0, "net0", None),),
    bootstrap="[ds] a.iso",
    scratch_bytes=1 << 30,
)


def card(key: int, network: str, mac: str) -> Any:
    return device.VirtualVmxnet3(key=key, backing=BACKINGS[network], macAddress=mac, addressType="assigned")


def changes(spec: Any) -> list[tuple[str, str]]:
    return [(str(one.operation), type(one.device).__name__.rpartition(".")[2]) for one in spec.deviceChange]


def cloned(
    target: Machine = MACHINE, devices: tuple[Any, ...] = (CONTROLLER, IDE, IMAGE_DISK), *, starts: bool = False
) -> Any:
    return clone_spec(target, None, devices, BACKINGS, pool=None, datastore=None, host=None, starts=starts).config


def test_a_clone_gets_its_adapters_its_cd_and_its_scratch_disk() -> None:
    spec = cloned()
    assert changes(spec) == [("add", "VirtualVmxnet3"), ("add", "VirtualCdrom"), ("add", "VirtualDisk")]
    disk = spec.deviceChange[2]
    assert (disk.device.controllerKey, disk.device.unitNumber, disk.fileOperation) == (1000, 1, "create")
    drive = spec.deviceChange[1].device
    assert (drive.controllerKey, drive.backing.fileName) == (200, "[ds] a.iso")
    assert len({one.device.key for one in spec.deviceChange}) == 3


def test_a_clone_does_not_inherit_the_keys_of_the_template() -> None:
    drive = device.VirtualCdrom(key=3000, controllerKey=200, unitNumber=1)
    spec = cloned(devices=(CONTROLLER, IDE, IMAGE_DISK, drive, card(4000, "net1", "m")))
    assert changes(spec)[:3] == [("remove", "VirtualVmxnet3"), ("add", "VirtualVmxnet3"), ("edit", "VirtualCdrom")]
    assert spec.deviceChange[2].device.unitNumber == 1
    values = {option.key: option.value for option in spec.extraConfig}
    assert values[keys.KIND] == "container"
    assert values[keys.IMAGE_REFERENCES] == values[keys.IMAGE_STATE] == values[keys.IMAGE_CONFIG] == ""


def test_a_template_without_controllers_is_an_error_or_gets_one() -> None:
    assert ("add", "VirtualIDEController") in changes(cloned(devices=(CONTROLLER, IMAGE_DISK)))
    with pytest.raises(GantryError, match="no SCSI controller"):
        cloned(devices=(IDE,))
    assert ("add", "VirtualDisk") not in changes(cloned(replace(MACHINE, scratch_bytes=None)))


def test_a_reconfiguration_has_only_the_differences() -> None:
    spec = reconfigure_spec(MACHINE, replace(MACHINE, labels={"a": "b"}), (), {})
    assert [option.key for option in spec.extraConfig] == [keys.LABELS]
    assert (spec.memoryMB, spec.numCPUs, spec.annotation, spec.deviceChange) == (None, None, None, [])
    spec = reconfigure_spec(MACHINE, replace(MACHINE, memory_mb=512, cpus=2, notes="x"), (), {})
    assert (spec.memoryMB, spec.numCPUs, spec.annotation) == (512, 2, "x")
    assert not spec.extraConfig


def test_adapters_that_stay_keep_their_device() -> None:
    before = replace(MACHINE, adapters=(ContainerAdapter(4000, "net0", "m0"), ContainerAdapter(4001, "net1", "m1")))
    devices = (card(4000, "net0", "m0"), card(4001, "net1", "m1"))
    fewer = replace(MACHINE, adapters=(ContainerAdapter(4000, "net1", "m0"),))
    spec = reconfigure_spec(before, fewer, devices, BACKINGS)
    assert changes(spec) == [("edit", "VirtualVmxnet3"), ("remove", "VirtualVmxnet3")]
    assert spec.deviceChange[0].device.macAddress == "m0"
    more = replace(MACHINE, adapters=(*before.adapters, ContainerAdapter(0, "net0", "m2")))
    spec = reconfigure_spec(before, more, devices, BACKINGS)
    assert changes(spec) == [("add", "VirtualVmxnet3")]
    assert (spec.deviceChange[0].device.addressType, spec.deviceChange[0].device.macAddress) == ("manual", "m2")


def connection(*, connected: bool, start: bool) -> Any:
    return device.VirtualDevice.ConnectInfo(startConnected=start, connected=connected, allowGuestControl=True)


def test_disconnected_devices_are_connected_again_and_the_cd_of_a_running_vm_only_for_its_next_start() -> None:
    drive = device.VirtualCdrom(
        key=3000,
        controllerKey=200,
        unitNumber=0,
        backing=device.VirtualCdrom.IsoBackingInfo(fileName="[ds] a.iso"),
        connectable=connection(connected=False, start=False),
    )
    adapter = card(4000, "net0", "m0")
    adapter.connectable = connection(connected=False, start=False)
    machine = replace(
        MACHINE, adapters=(ContainerAdapter(4000, "net0", "m0", connected=False),), bootstrap_connected=False
    )
    for power, now in (("poweredOff", False), ("poweredOn", True)):
        broken = replace(machine, power=power)
        target = replace(broken, adapters=(ContainerAdapter(4000, "net0", "m0"),), bootstrap_connected=True)
        spec = reconfigure_spec(broken, target, (IDE, drive, adapter), {})
        assert changes(spec) == [("edit", "VirtualVmxnet3"), ("edit", "VirtualCdrom")]
        card_state, drive_state = (one.device.connectable for one in spec.deviceChange)
        assert (card_state.startConnected, card_state.connected) == (True, now)
        assert drive_state.startConnected
        assert drive_state.connected == (not now)


def test_boot_settings_are_set_together() -> None:
    spec = reconfigure_spec(replace(MACHINE, boot_order=("disk",), secure_boot=True), MACHINE, (), {})
    (first,) = spec.bootOptions.bootOrder
    assert isinstance(first, vim.vm.BootOptions.BootableCdromDevice)
    assert spec.bootOptions.efiSecureBootEnabled is False
    spec = reconfigure_spec(
        replace(MACHINE, firmware="efi", disk_uuid=False), replace(MACHINE, firmware="bios"), (), {}
    )
    assert spec.firmware == "bios"
    assert [(option.key, option.value) for option in spec.extraConfig] == [("disk.EnableUUID", "TRUE")]
    (first,) = cloned().bootOptions.bootOrder
    assert isinstance(first, vim.vm.BootOptions.BootableCdromDevice)


def test_a_scratch_disk_that_is_missing_is_added() -> None:
    spec = reconfigure_spec(replace(MACHINE, scratch_bytes=None), MACHINE, (CONTROLLER, IMAGE_DISK), {})
    assert changes(spec) == [("add", "VirtualDisk")]
    assert (spec.deviceChange[0].device.unitNumber, spec.deviceChange[0].fileOperation) == (1, "create")


def test_name_and_kind_change_in_one_call() -> None:
    spec = name_spec("web", keys.KIND_CONTAINER)
    assert spec.name == "web"
    assert [(option.key, option.value) for option in spec.extraConfig] == [(keys.KIND, "container")]


def test_adapters_of_both_kinds_of_networks_are_read_in_the_order_of_their_keys() -> None:
    inventory = small_inventory()
    backend = network_backing(inventory, inventory.network("backend"))
    distributed = device.VirtualVmxnet3(key=4001, backing=backend, macAddress="m1")
    found = decode_adapters(inventory, [distributed, IMAGE_DISK, card(4000, "net0", "m0")], "dc1")
    assert found == (ContainerAdapter(4000, "net0", "m0"), ContainerAdapter(4001, "net1", "m1"))
    assert [adapter.network_name for adapter in found] == ["VM Network", "backend"]


def option(key: str, value: str) -> tuple[str, Any]:
    return keys.option_path(key), vim.option.OptionValue(key=key, value=value)


def test_an_unreadable_vm_is_an_error_and_not_treated_as_unmanaged(inventory: Inventory) -> None:
    with pytest.raises(GantryError, match="cannot be read"):
        decode_machine(inventory, entry("vm-9", "VirtualMachine", "web"), {"runtime.powerState": "poweredOff"})


def test_damaged_keys_are_read_as_absent(inventory: Inventory) -> None:
    row = {
        "runtime.powerState": "poweredOff",
        "config.hardware.device": [CONTROLLER, IMAGE_DISK],
        "config.hardware.memoryMB": 64,
        **dict([option(keys.KIND, "container"), option(keys.CONFIG, "{"), option(keys.LABELS, '{"a": 1, "b": "c"}')]),
    }
    machine = decode_machine(inventory, entry("vm-9", "VirtualMachine", "web"), row)
    assert (machine.kind, machine.config, machine.labels, machine.scratch_bytes) == (
        "container",
        None,
        {"b": "c"},
        None,
    )


def test_a_vm_whose_devices_were_not_read_is_decoded_without_them(inventory: Inventory) -> None:
    row = {"runtime.powerState": "poweredOff", "config.hardware.memoryMB": 64}
    machine = decode_machine(inventory, entry("vm-9", "VirtualMachine", "web"), row)
    assert (machine.memory_mb, machine.bootstrap, machine.adapters, machine.scratch_bytes) == (64, None, (), None)


def test_only_a_finished_image_is_used(inventory: Inventory) -> None:
    template = entry("vm-5", "VirtualMachine", "gantry-image-1")
    tree = vim.vm.SnapshotTree(name="gantry-base", snapshot=vim.vm.Snapshot("snap-1"))
    row: dict[str, Any] = {
        "config.files.vmPathName": "[shared0] gantry-image-1/x.vmx",
        "datastore": [vim.Datastore("ds1"), vim.Datastore("ds0")],
        "snapshot": vim.vm.SnapshotInfo(rootSnapshotList=[tree]),
        **dict(
            [
                option(keys.KIND, "image"),
                option(keys.IMAGE_STATE, "ready"),
                option(keys.DIGEST, "sha256:aa"),
                option(keys.DISK, "bb"),
                option(keys.IMAGE_REFERENCES, '["registry.example.com/app:1"]'),
            ]
        ),
    }
    image = decode_image(inventory, template, row)
    assert image is not None
    assert (image.snapshot, image.datastore.name, image.references) == (
        "snap-1",
        "shared0",
        ("registry.example.com/app:1",),
    )
    assert decode_image(inventory, template, {**row, **dict([option(keys.IMAGE_STATE, "importing")])}) is None
    assert decode_image(inventory, template, {**row, "snapshot": None}) is None

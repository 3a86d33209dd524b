# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running VMs with devices of their host: some can be moved nevertheless, which vCenter decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim

from tests.support.lab.containers import PREFIX, VmBuilder, _add
from tests.support.lab.control import Control
from tests.support.lab.placement import Site

PCI = vim.vm.device.VirtualPCIPassthrough
USB = vim.vm.device.VirtualUSB


@pytest.fixture
def site(lab: dict[str, Any], builder: VmBuilder, calls: Control) -> Iterator[Site]:
    one = Site(lab, builder, calls)
    one.clear()
    yield one
    one.ok("host_maintenance", host="esx1", state="absent")
    one.clear()


def pci(backing: Any) -> Any:
    return _add(PCI(key=-50, backing=backing))


def usb(backing: Any, *, connected: bool = True) -> Any:
    return _add(USB(key=-51, connected=connected, backing=backing))


MOVABLE = {
    "vgpu": pci(PCI.VmiopBackingInfo(vgpu="grid_a100-4c", migrateSupported=True)),
    "vgpu-old": pci(PCI.VmiopBackingInfo(vgpu="grid_p40-2q")),
    "dvx": pci(PCI.DvxBackingInfo(deviceClass="com.example.nic")),
    "usb-remote": usb(USB.RemoteHostBackingInfo(deviceName="path:1/0/1", hostname="esx1")),
    "usb-unplugged": usb(USB.USBBackingInfo(deviceName="path:1/0/2"), connected=False),
}
BOUND = {
    "vgpu": pci(PCI.VmiopBackingInfo(vgpu="grid_k1", migrateSupported=False)),
    "pci": pci(PCI.DynamicBackingInfo(deviceName="", allowedDevice=[])),
    "usb": usb(USB.USBBackingInfo(deviceName="path:1/0/3")),
}


def vms(site: Site, devices: dict[str, Any]) -> list[str]:
    """Create a running VM with each of the devices, and return their names."""
    for kind, device in devices.items():
        site.make(f"{PREFIX}{kind}", host="esx1", devices=[device])
    return [f"{PREFIX}{kind}" for kind in devices]


def test_devices_that_vcenter_can_move_are_left_to_its_check(site: Site) -> None:
    names = vms(site, MOVABLE)
    assert site.ok("host_maintenance", host="esx1", precheck="report")["blockers"] == []
    site.ok("vm_vmotion", vms=names, host="esx2")
    assert site.calls.methods().count("CheckRelocate_Task") == len(names)
    assert site.hosts() == dict.fromkeys(names, "esx2")


def test_devices_that_bind_a_vm_to_its_host_are_blockers(site: Site) -> None:
    names = vms(site, BOUND)
    for task, options in (("vm_vmotion", {"vms": names, "host": "esx2"}), ("host_maintenance", {"host": "esx1"})):
        blockers = site.refused(task, **options)["blockers"]
        assert {(one["vm"].rpartition("/")[2], one["code"]) for one in blockers} == {
            (name, "passthrough") for name in names
        }

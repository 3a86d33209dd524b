# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that changes to a container's VM by other clients are repaired before the container is started again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from tests.support.lab.containers import BOOTSTRAP, IMAGE, PREFIX, Vm, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.placement import NETWORK, Site

NAME = f"{PREFIX}repaired"
NEWER = BOOTSTRAP.replace("0.0.1", "0.0.2")


@pytest.fixture
def site(lab: dict[str, Any], builder: VmBuilder) -> Iterator[Site]:
    one = Site(lab, builder, Control(lab["control"]))
    one.calls.reset()
    yield one
    one.clear()


def run(site: Site, **options: Any) -> dict[str, Any]:
    return site.ok("container_vm", name=NAME, image=IMAGE, networks=[{"name": NETWORK}], **options)


def cd(vm: Vm) -> Any:
    (drive,) = vm.of_kind(vim.vm.device.VirtualCdrom)
    return drive


def edit(site: Site, device: Any, operation: str = "edit") -> None:
    change = vim.vm.device.VirtualDeviceSpec(operation=operation, device=device)
    site.builder.reconfigure(site.builder.vm(NAME).moid, vim.vm.ConfigSpec(deviceChange=[change]))


def disconnect_cd(site: Site) -> None:
    drive = cd(site.builder.vm(NAME))
    drive.connectable.connected = drive.connectable.startConnected = False
    edit(site, drive)


def empty_cd(site: Site) -> None:
    drive = cd(site.builder.vm(NAME))
    drive.backing = vim.vm.device.VirtualCdrom.RemotePassthroughBackingInfo(deviceName="", exclusive=False)
    edit(site, drive)


def remove_cd(site: Site) -> None:
    edit(site, cd(site.builder.vm(NAME)), "remove")


def disconnect_adapter(site: Site) -> None:
    (card,) = site.builder.vm(NAME).of_kind(vim.vm.device.VirtualEthernetCard)
    card.connectable.connected = card.connectable.startConnected = False
    edit(site, card)


def remove_scratch(site: Site) -> None:
    (disk,) = [disk for disk in site.builder.vm(NAME).of_kind(vim.vm.device.VirtualDisk) if disk.unitNumber == 1]
    edit(site, disk, "remove")


def boot_from_disk(site: Site) -> None:
    (disk,) = [disk for disk in site.builder.vm(NAME).of_kind(vim.vm.device.VirtualDisk) if disk.unitNumber == 0]
    order = [vim.vm.BootOptions.BootableDiskDevice(deviceKey=disk.key)]
    options = vim.vm.BootOptions(bootOrder=order, efiSecureBootEnabled=True)
    site.builder.reconfigure(site.builder.vm(NAME).moid, vim.vm.ConfigSpec(bootOptions=options))


def boot_by_uefi(site: Site) -> None:
    site.builder.reconfigure(site.builder.vm(NAME).moid, vim.vm.ConfigSpec(firmware="efi"))


def hide_disk_uuids(site: Site) -> None:
    site.builder.set_config(site.builder.vm(NAME).moid, {"disk.EnableUUID": "FALSE"})


def lose_document(site: Site) -> None:
    site.builder.set_config(site.builder.vm(NAME).moid, {"guestinfo.gantry.spec": ""})


def lose_keys(site: Site) -> None:
    site.builder.set_config(
        site.builder.vm(NAME).moid, {"gantry.id": "", "gantry.image.digest": "", "gantry.config": ""}
    )


MEDDLING: dict[str, tuple[Callable[[Site], None], bool]] = {
    # The change, and whether it can be repaired without a configuration.
    "bootstrap_connected": (disconnect_cd, True),
    "bootstrap": (empty_cd, True),
    "bootstrap, bootstrap_connected": (remove_cd, True),
    "network_adapters": (disconnect_adapter, True),
    "scratch_size": (remove_scratch, False),
    "boot_order, secure_boot": (boot_from_disk, True),
    "firmware": (boot_by_uefi, False),
    "disk_uuid": (hide_disk_uuids, True),
    "record": (lose_document, False),
    "image_digest": (lose_keys, False),
}


def hardware(vm: Vm) -> dict[str, Any]:
    """Return the hardware and settings that the container needs to start."""
    (card,) = vm.of_kind(vim.vm.device.VirtualEthernetCard)
    return {
        "cd": (cd(vm).backing.fileName, cd(vm).connectable.startConnected),
        "card": (card.connectable.startConnected, card.connectable.connected),
        "disks": sorted(disk.unitNumber for disk in vm.of_kind(vim.vm.device.VirtualDisk)),
        "config": {key: vm.config.get(key) for key in ("disk.EnableUUID", "guestinfo.gantry.spec", "gantry.id")},
    }


@pytest.mark.parametrize("what", MEDDLING)
def test_a_container_is_repaired_before_it_is_started(site: Site, what: str) -> None:
    meddle, without_configuration = MEDDLING[what]
    before = run(site)["container"]
    expected = hardware(site.builder.vm(NAME))
    for state_only in (False, True) if without_configuration else (False,):
        site.ok("container_vm", name=NAME, state="stopped")
        meddle(site)
        task: dict[str, Any] = {"name": NAME}
        if not state_only:
            task |= {"image": IMAGE, "networks": [{"name": NETWORK}]}
        predicted = site.run("container_vm", check=True, **task)
        started = site.ok("container_vm", **task)
        if what in ("image_digest", "record", "bootstrap, bootstrap_connected"):
            assert started["actions"][0].startswith(f"reconfigure {NAME}: ")
        else:
            assert started["actions"] == [f"reconfigure {NAME}: {what}", f"start {NAME}"]
        assert (predicted["actions"], predicted["diff"]) == (started["actions"], started["diff"])
        assert started["diff"]["before"] != started["diff"]["after"]
        assert (started["container"]["id"], started["container"]["status"]) == (before["id"], "running")
        assert hardware(site.builder.vm(NAME)) == expected
        assert not run(site)["changed"]


def test_the_cd_of_a_running_container_is_connected_for_its_next_start_without_a_restart(site: Site) -> None:
    run(site)
    expected = hardware(site.builder.vm(NAME))
    disconnect_cd(site)
    site.calls.forget()
    result = run(site)
    assert result["changed"]
    assert site.calls.mutating() == ["ReconfigVM_Task"]
    assert hardware(site.builder.vm(NAME)) == expected
    assert not run(site)["changed"]


def test_a_missing_iso_is_replaced_by_the_newest_one(site: Site) -> None:
    run(site)
    site.ok("container_vm", name=NAME, state="stopped")
    newer = site.builder.upload_bootstrap(NEWER)
    site.builder.remove_bootstrap()
    try:
        started = site.ok("container_vm", name=NAME)
        assert started["actions"] == [f"reconfigure {NAME}: bootstrap, bootstrap_missing", f"start {NAME}"]
        assert cd(site.builder.vm(NAME)).backing.fileName == newer
        site.ok("container_vm", name=NAME, state="stopped")
        site.builder.remove_bootstrap(NEWER)
        message = site.refused("container_vm", name=NAME)["msg"]
        assert "bootstrap_image" in message
        site.builder.upload_bootstrap()
        restarted = run(site, env={"A": "b"})
        assert "bootstrap" in restarted["actions"][0]
    finally:
        site.builder.upload_bootstrap()


def test_a_new_container_boots_from_its_cd_first(site: Site) -> None:
    run(site, state="present")
    (row,) = site.builder.session.read([site.vm(NAME)], ["config.bootOptions"])
    (first,) = row["config.bootOptions"].bootOrder
    assert isinstance(first, vim.vm.BootOptions.BootableCdromDevice)


def test_a_running_vm_without_a_running_container_is_not_ok(site: Site) -> None:
    run(site)
    site.builder.set_config(site.builder.vm(NAME).moid, {"guestinfo.gantry.status": '{"state":"booting"}'})
    result = site.run("container_vm", name=NAME, image=IMAGE, networks=[{"name": NETWORK}], wait_timeout=1)
    assert result["failed"]
    assert "was not running within 1 s" in result["msg"]
    assert "booting" in result["msg"]
    assert not run(site, wait=False)["changed"]
    site.builder.set_config(site.builder.vm(NAME).moid, {"guestinfo.gantry.status": '{"state":"running"}'})
    assert not run(site)["changed"]

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the lab's vCenter with pyVmomi and govc: events, tasks, guests, hot add, shares, fields, imports, media."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from lab.controller import Lab
from tests.support.lab.control import Control
from tests.support.lab.govc import Govc

SMALL: dict[str, Any] = {"hypervisor": "none", "ports": "free", "images": [], "publish": {}}
# The first test may wait for the build of govc.
pytestmark = pytest.mark.timeout(1800)

SPEC_KEY, STATUS_KEY = "guestinfo.gantry.spec", "guestinfo.gantry.status"
AUTH = vim.vm.guest.NamePasswordAuthentication(username="root", password="guessed", interactiveSession=False)

DESCRIPTOR = """<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
  <References><File ovf:href="web.vmdk" ovf:id="file1" ovf:size="{size}"/></References>
  <DiskSection><Info/><Disk ovf:capacity="16" ovf:capacityAllocationUnits="byte * 2^20" ovf:diskId="disk1"
    ovf:fileRef="file1"/></DiskSection>
  <NetworkSection><Info/><Network ovf:name="VM Network"/></NetworkSection>
  <VirtualSystem ovf:id="{name}"><Info/><Name>{name}</Name><VirtualHardwareSection><Info/>
    <System><vssd:ElementName>x</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID>
      <vssd:VirtualSystemType>vmx-21</vssd:VirtualSystemType></System>
    <Item><rasd:ElementName>CPU</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID>
      <rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
    <Item><rasd:ElementName>memory</rasd:ElementName><rasd:InstanceID>2</rasd:InstanceID>
      <rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>64</rasd:VirtualQuantity></Item>
    <Item><rasd:ElementName>SCSI</rasd:ElementName><rasd:InstanceID>3</rasd:InstanceID>
      <rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
    <Item><rasd:ElementName>disk</rasd:ElementName><rasd:HostResource>ovf:/disk/disk1</rasd:HostResource>
      <rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
  </VirtualHardwareSection></VirtualSystem>
</Envelope>
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    one = Lab(tmp_path_factory.mktemp("clients") / "state", SMALL, bound=True)
    try:
        yield one.up()
    finally:
        one.down()


def _login(lab: dict[str, Any]) -> vim.ServiceInstance:
    vcenter = lab["vcenter"]
    context = ssl.create_default_context(cafile=vcenter["ca_path"])
    return SmartConnect(
        host=vcenter["hostname"],
        port=vcenter["port"],
        user=vcenter["username"],
        pwd=vcenter["password"],
        sslContext=context,
    )


class Client:
    """pyVmomi, logged in, with the few calls that the tests share."""

    def __init__(self, lab: dict[str, Any]) -> None:
        self.instance = _login(lab)
        self.content = self.instance.RetrieveContent()
        self.datacenter = self.content.rootFolder.childEntity[0]
        self.pool = self.datacenter.hostFolder.childEntity[0].resourcePool
        self.datastore = self.datacenter.datastore[0]

    def create(self, name: str, *devices: vim.vm.device.VirtualDevice, **fields: Any) -> vim.VirtualMachine:
        add = vim.vm.device.VirtualDeviceSpec.Operation.add
        changes = []
        for device in devices:
            change = vim.vm.device.VirtualDeviceSpec(operation=add, device=device)
            if isinstance(device, vim.vm.device.VirtualDisk):
                change.fileOperation = vim.vm.device.VirtualDeviceSpec.FileOperation.create
            changes.append(change)
        spec = vim.vm.ConfigSpec(
            name=name,
            guestId="otherGuest64",
            memoryMB=64,
            numCPUs=1,
            files=vim.vm.FileInfo(vmPathName=f"[{self.datastore.name}]"),
            deviceChange=changes,
            **fields,
        )
        task = self.datacenter.vmFolder.CreateVM_Task(config=spec, pool=self.pool)
        WaitForTask(task)
        return task.info.result

    def events(self, vm: vim.VirtualMachine) -> list[vim.event.Event]:
        """Return a VM's events, oldest first."""
        by_entity = vim.event.EventFilterSpec.ByEntity(entity=vm, recursion="self")
        found = self.content.eventManager.QueryEvents(vim.event.EventFilterSpec(entity=by_entity))
        return sorted(found, key=lambda event: int(event.key))


@pytest.fixture(scope="module")
def client(running: dict[str, Any]) -> Iterator[Client]:
    one = Client(running)
    yield one
    Disconnect(one.instance)


@pytest.fixture(scope="module")
def govc(running: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Govc:
    return Govc(running, tmp_path_factory.mktemp("govc"))


def _names(events: list[vim.event.Event]) -> list[str]:
    return [type(event).__name__.removeprefix("vim.event.") for event in events]


def _hardware() -> tuple[vim.vm.device.VirtualDevice, ...]:
    scsi = vim.vm.device.ParaVirtualSCSIController(key=-1, busNumber=0, sharedBus="noSharing")
    backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(diskMode="persistent", thinProvisioned=True)
    disk = vim.vm.device.VirtualDisk(key=-2, controllerKey=-1, unitNumber=0, capacityInKB=16 << 10, backing=backing)
    network = vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(deviceName="VM Network")
    return scsi, disk, vim.vm.device.VirtualVmxnet3(key=-3, backing=network)


def test_an_event_without_an_object_leaves_the_vcenter_usable(running: dict[str, Any], client: Client) -> None:
    # If posting fails inside of the lab it may leave a lock, for which only later logins wait: so log in afterwards.
    event = vim.event.EventEx(
        eventTypeId="org.example.x",
        severity="info",
        message="m",
        key=0,
        chainId=0,
        createdTime=client.instance.CurrentTime(),
        userName="u",
    )
    with contextlib.suppress(vmodl.MethodFault):
        client.content.eventManager.PostEvent(event, None)
    done: list[vim.ServiceInstance] = []
    login = threading.Thread(target=lambda: done.append(_login(running)), daemon=True)
    login.start()
    login.join(timeout=20)
    assert done, "no client can log in any more"
    Disconnect(done[0])


def test_the_life_cycle_of_a_vm_is_recorded_in_events(client: Client, govc: Govc) -> None:
    vm = client.create("life", *_hardware())
    on = vm.PowerOnVM_Task()
    WaitForTask(on)
    WaitForTask(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="x")))
    WaitForTask(vm.PowerOffVM_Task())
    WaitForTask(vm.Rename_Task("lived"))
    host = vm.runtime.host
    other = next(one for one in client.pool.owner.host if one != host)
    WaitForTask(vm.RelocateVM_Task(vim.vm.RelocateSpec(host=other)))
    events = client.events(vm)
    assert [name for name in _names(events) if name != "TaskEvent"] == [
        "VmBeingCreatedEvent",
        "VmInstanceUuidAssignedEvent",
        "VmUuidAssignedEvent",
        "VmCreatedEvent",
        "VmStartingEvent",
        "VmPoweredOnEvent",
        "VmReconfiguredEvent",
        "VmStoppingEvent",
        "VmPoweredOffEvent",
        "VmRenamedEvent",
        "VmBeingMigratedEvent",
        "VmMigratedEvent",
    ]
    powered = next(event for event in events if isinstance(event, vim.event.VmPoweredOnEvent))
    assert (powered.vm.vm, powered.vm.name, powered.host.host) == (vm, "life", host)
    assert (powered.datacenter.datacenter, powered.computeResource.computeResource) == (
        client.datacenter,
        client.pool.owner,
    )
    assert powered.userName == client.content.sessionManager.currentSession.userName
    assert powered.chainId == on.info.eventChainId
    assert powered.fullFormattedMessage == f"life on {host.name} in {client.datacenter.name} is powered on"
    assert client.content.eventManager.latestEvent.key == events[-1].key
    assert f"{host.name} in {client.datacenter.name} is powered on" in govc("events", "vm/lived")
    WaitForTask(vm.Destroy_Task())
    assert _names(client.events(vm))[-1] == "VmRemovedEvent"


def test_tasks_have_the_names_of_vcenter(client: Client, govc: Govc) -> None:
    vm = client.create("tasks")
    tasks = [vm.PowerOnVM_Task(), vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="x")), vm.ResetVM_Task()]
    for task in tasks:
        WaitForTask(task)
    ids = [task.info.descriptionId for task in tasks]
    assert ids == ["VirtualMachine.powerOn", "VirtualMachine.reconfigure", "VirtualMachine.reset"]
    described = {element.key for element in client.content.taskManager.description.methodInfo}
    recent = [task.info for task in client.content.taskManager.recentTask]
    assert {info.descriptionId for info in recent} <= described
    assert "ReconfigVM" in govc("tasks", "vm/tasks")


def test_tasks_of_managers_end_and_can_be_read(client: Client) -> None:
    vm = client.create("managed", *_hardware())
    checker = client.content.vmCompatibilityChecker
    check = checker.CheckVmConfig_Task(spec=vim.vm.ConfigSpec(numCPUs=4096), vm=vm)
    WaitForTask(check)
    assert check.info.entity is None
    assert [len(result.warning) for result in check.info.result] == [1]
    store = client.content.vStorageObjectManager
    backing = vim.vslm.CreateSpec.DiskFileBackingSpec(datastore=client.datastore)
    spec = vim.vslm.CreateSpec(name="volume", capacityInMB=16, backingSpec=backing)
    made = store.CreateDisk_Task(spec)
    WaitForTask(made)
    disk = made.info.result.config
    assert disk.capacityInMB == 16
    assert disk.id.id in [one.id for one in store.ListVStorageObject(client.datastore)]
    WaitForTask(store.DeleteVStorageObject_Task(disk.id, client.datastore))
    collector = client.content.taskManager.CreateCollectorForTasks(vim.TaskFilterSpec())
    try:
        assert check in [info.task for info in collector.ReadNextTasks(1000)]
        assert check in [info.task for info in collector.latestPage]
    finally:
        collector.DestroyCollector()
    for task in client.content.taskManager.recentTask:
        assert task.info.state in ("success", "error"), task.info


def test_guest_operations_need_a_vm_that_is_on_and_tools(client: Client) -> None:
    vm = client.create("guest", *_hardware())
    operations = client.content.guestOperationsManager
    program = vim.vm.guest.ProcessManager.ProgramSpec(programPath="/bin/true", arguments="")
    calls = [
        lambda: operations.authManager.ValidateCredentialsInGuest(vm, AUTH),
        lambda: operations.fileManager.MakeDirectoryInGuest(vm, AUTH, "/x", False),
        lambda: operations.fileManager.ListFilesInGuest(vm, AUTH, "/"),
        lambda: operations.processManager.StartProgramInGuest(vm, AUTH, program),
        lambda: operations.processManager.ListProcessesInGuest(vm, AUTH),
    ]
    for call in calls:
        with pytest.raises(vim.fault.InvalidPowerState):
            call()
    WaitForTask(vm.PowerOnVM_Task())
    for call in calls:
        with pytest.raises(vim.fault.GuestOperationsUnavailable, match="the guest tools do not run"):
            call()


def test_a_vm_with_hot_add_gets_more_memory_and_cpus(client: Client) -> None:
    flags = {"memoryHotAddEnabled": True, "cpuHotAddEnabled": True}
    vm, rigid = client.create("hot", **flags), client.create("rigid")
    for one in (vm, rigid):
        WaitForTask(one.PowerOnVM_Task())
    more = vim.vm.ConfigSpec(memoryMB=192, numCPUs=2)
    WaitForTask(vm.ReconfigVM_Task(more))
    assert (vm.config.hardware.memoryMB, vm.config.hardware.numCPU) == (192, 2)
    with pytest.raises(vim.fault.MemoryHotPlugNotSupported, match="memoryHotAddEnabled is false"):
        WaitForTask(rigid.ReconfigVM_Task(more))
    with pytest.raises(vim.fault.CpuHotPlugNotSupported, match="can only be increased"):
        WaitForTask(vm.ReconfigVM_Task(vim.vm.ConfigSpec(numCPUs=1)))


def test_devices_show_their_shares_and_limits(client: Client) -> None:
    devices = client.create("shares", *_hardware()).config.hardware.device
    card = next(device for device in devices if isinstance(device, vim.vm.device.VirtualEthernetCard))
    disk = next(device for device in devices if isinstance(device, vim.vm.device.VirtualDisk))
    allocation = card.resourceAllocation
    assert (allocation.reservation, allocation.limit) == (0, -1)
    assert (allocation.share.level, allocation.share.shares) == ("normal", 50)
    assert (disk.shares.level, disk.shares.shares) == ("normal", 1000)
    assert (disk.storageIOAllocation.limit, disk.storageIOAllocation.shares.shares) == (-1, 1000)


def test_a_vm_shows_the_shares_of_its_size_and_only_while_it_is_on_its_use(
    running: dict[str, Any], client: Client
) -> None:
    vm = client.create("measured")
    # Other tests have VMs in the cluster's own pool.
    normal = vim.SharesInfo(level="normal", shares=0)
    allocation = vim.ResourceAllocationInfo(reservation=0, expandableReservation=True, limit=-1, shares=normal)
    spec = vim.ResourceConfigSpec(cpuAllocation=allocation, memoryAllocation=allocation)
    pool = client.pool.CreateResourcePool(name="measured", spec=spec)
    pool.MoveIntoResourcePool([vm])
    assert vm.resourceConfig.entity == vm
    assert vm.resourceConfig.cpuAllocation.shares.shares == 1000
    assert vm.resourceConfig.memoryAllocation.shares.shares == 10 * 64
    manager = client.content.perfManager
    refresh = manager.QueryPerfProviderSummary(entity=vm).refreshRate
    query = vim.PerformanceManager.QuerySpec(entity=vm, intervalId=refresh, maxSample=1)
    Control(running["control"]).sample()
    assert manager.QueryPerf(querySpec=[query]) == []
    WaitForTask(vm.PowerOnVM_Task())
    try:
        Control(running["control"]).sample()
        counters = {one.key: f"{one.groupInfo.key}.{one.nameInfo.key}.{one.rollupType}" for one in manager.perfCounter}
        (metric,) = manager.QueryPerf(querySpec=[query])
        values = {counters[one.id.counterId]: one.value for one in metric.value}
        assert values["cpu.usagemhz.average"] == [0]
        assert values["mem.consumed.average"] == [64 << 10]
        assert (
            pool.summary.quickStats.hostMemoryUsage
            == vm.summary.quickStats.hostMemoryUsage
            == pool.runtime.memory.overallUsage >> 20
        )
    finally:
        WaitForTask(vm.PowerOffVM_Task())


def test_custom_fields_can_be_read_and_apply_to_their_objects_only(client: Client) -> None:
    fields = client.content.customFieldsManager
    owner = fields.AddCustomFieldDef(name="owner", moType=vim.VirtualMachine)
    vm = client.create("fields")
    assert (owner.type, owner.managedObjectType) == (str, vim.VirtualMachine)
    assert [(field.name, field.type) for field in vm.availableField] == [("owner", str)]
    fields.SetField(vm, owner.key, "ann")
    assert [(one.key, one.value) for one in vm.customValue] == [(owner.key, "ann")]
    with pytest.raises(vmodl.fault.InvalidArgument, match="for objects of type VirtualMachine"):
        fields.SetField(client.datacenter.vmFolder, owner.key, "ann")
    fields.RemoveCustomFieldDef(owner.key)
    assert (fields.field, vm.customValue) == ([], [])


@pytest.mark.parametrize("kind", ["ovf", "ova"])
def test_govc_imports(kind: str, client: Client, govc: Govc, tmp_path: Path) -> None:
    raw, disk, name = tmp_path / "raw", tmp_path / "web.vmdk", f"imported-{kind}"
    raw.write_bytes(b"\0" * (1 << 20) + b"what was uploaded" + b"\0" * ((15 << 20) - 17))
    convert = ["qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", raw, disk]
    subprocess.run(convert, check=True)
    (tmp_path / "web.ovf").write_text(DESCRIPTOR.format(name=name, size=disk.stat().st_size))
    if kind == "ova":
        subprocess.run(["tar", "-cf", "web.ova", "web.ovf", "web.vmdk"], cwd=tmp_path, check=True)
    pool = f"/{client.datacenter.name}/host/{client.pool.owner.name}/Resources"
    govc(f"import.{kind}", "-ds", client.datastore.name, "-pool", pool, str(tmp_path / f"web.{kind}"))
    vm = next(one for one in client.datacenter.vmFolder.childEntity if one.name == name)
    govc("datastore.download", "-ds", client.datastore.name, f"{name}/disk-0-flat.vmdk", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == raw.read_bytes()
    assert "VmCreatedEvent" in _names(client.events(vm))


@pytest.mark.parametrize("drive", ["none", "disconnected", "empty", "connected"])
def test_a_container_runs_only_from_a_connected_iso(drive: str, client: Client, govc: Govc, tmp_path: Path) -> None:
    (tmp_path / "boot.iso").write_bytes(b"an image")
    govc("datastore.upload", "-ds", client.datastore.name, str(tmp_path / "boot.iso"), "boot.iso")
    document = vim.option.OptionValue(key=SPEC_KEY, value='{"version": 1, "id": "7", "hostname": "h"}')
    iso = vim.vm.device.VirtualCdrom.IsoBackingInfo(fileName=f"[{client.datastore.name}] boot.iso")
    empty = vim.vm.device.VirtualCdrom.RemotePassthroughBackingInfo(deviceName="", exclusive=False)
    connectable = vim.vm.device.VirtualDevice.ConnectInfo(
        startConnected=drive != "disconnected", connected=drive == "connected", allowGuestControl=True
    )
    cdrom = vim.vm.device.VirtualCdrom(
        key=-4, controllerKey=200, backing=empty if drive == "empty" else iso, connectable=connectable
    )
    vm = client.create(f"cd-{drive}", *([] if drive == "none" else [cdrom]), extraConfig=[document])
    WaitForTask(vm.PowerOnVM_Task())
    deadline = time.monotonic() + (20 if drive == "connected" else 1)
    status: list[str] = []
    while not status and time.monotonic() < deadline:
        time.sleep(0.05)
        status = [option.value for option in vm.config.extraConfig if option.key == STATUS_KEY]
    assert vm.runtime.powerState == "poweredOn"
    assert bool(status) is (drive == "connected")
    assert (vm.guest.toolsRunningStatus == "guestToolsRunning") is (drive == "connected")

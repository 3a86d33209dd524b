# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test lookups in the inventory: a unique match is returned; an ambiguous or missing name is an error."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim


class Builder:
    """Makes the rows that vCenter would send."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.root = self.add(vim.Folder, "Datacenters", None)

    def add(self, kind: Any, name: str, parent: Any, **properties: Any) -> Any:
        ref = kind(f"{kind.__name__.rsplit('.', 1)[-1].lower()}-{len(self.rows)}")
        values = {"name": name, "parent": parent, **properties}
        items = [SimpleNamespace(name=key, val=value) for key, value in values.items() if value is not None]
        self.rows.append(Row(ref, items))
        return ref

    def datacenter(self, name: str, parent: Any = None) -> dict[str, Any]:
        ref = self.add(vim.Datacenter, name, parent or self.root)
        made = {kind: self.add(vim.Folder, kind, ref) for kind in ("vm", "host", "datastore", "network")}
        for kind, folder in made.items():
            self.set(ref, f"{kind}Folder", folder)
        return {"ref": ref, **made}

    def cluster(self, name: str, datacenter: dict[str, Any]) -> Any:
        ref = self.add(vim.ClusterComputeResource, name, datacenter["host"])
        pool = self.add(vim.ResourcePool, "Resources", ref, owner=ref)
        self.set(ref, "resourcePool", pool)
        return SimpleNamespace(ref=ref, pool=pool)

    def set(self, ref: Any, name: str, value: Any) -> None:
        next(row for row in self.rows if row.ref is ref)[name] = value

    def inventory(self) -> Inventory:
        return Inventory(self.rows, vms=True, properties={})


@pytest.fixture
def builder() -> Builder:
    return Builder()


def message_of(caught: pytest.ExceptionInfo[GantryError]) -> str:
    return caught.value.message


def test_paths(builder: Builder) -> None:
    datacenter = builder.datacenter("DC0")
    app = builder.add(vim.Folder, "app", datacenter["vm"])
    vm = builder.add(vim.VirtualMachine, "web", app)
    entry = builder.inventory().entry(vm._moId)
    assert entry is not None
    assert entry.path == "/DC0/vm/app/web"
    assert entry.datacenter == datacenter["ref"]._moId
    assert entry.type_name == "VirtualMachine"


def test_datacenter_in_a_folder(builder: Builder) -> None:
    europe = builder.add(vim.Folder, "Europe", builder.root)
    builder.datacenter("DC0", europe)
    inventory = builder.inventory()
    assert inventory.datacenter("DC0").path == "/Europe/DC0"
    assert inventory.datacenter("/Europe/DC0") == inventory.datacenter("Europe/DC0") == inventory.datacenter()


def test_name_with_what_vcenter_escapes(builder: Builder) -> None:
    datacenter = builder.datacenter("DC0")
    builder.add(vim.Network, "10.0.0.0%2f24 100%25", datacenter["network"])
    entry = builder.inventory().network("10.0.0.0/24 100%")
    assert entry.path == "/DC0/network/10.0.0.0%2f24 100%25"


def test_escape_sequences_in_a_path_are_in_either_case_or_left_out(builder: Builder) -> None:
    datacenter = builder.datacenter("DC0")
    builder.add(vim.Folder, "50%25", builder.add(vim.Folder, "a%2fb", datacenter["vm"]))
    builder.add(vim.Network, "10.0.0.0%2f24", builder.add(vim.Folder, "edge", datacenter["network"]))
    inventory = builder.inventory()
    for path in ("a%2fb/50%25", "a%2Fb/50%", "/DC0/vm/a%2Fb/50%25"):
        assert inventory.folder(path, datacenter=inventory.datacenter()).path == "/DC0/vm/a%2fb/50%25"
    assert inventory.network("edge/10.0.0.0%2F24", datacenter=inventory.datacenter()).name == "10.0.0.0/24"


def test_names_lead_down_as_far_as_there_is_something(builder: Builder) -> None:
    datacenter = builder.datacenter("DC0")
    slash = builder.add(vim.Folder, "a%2fb", datacenter["vm"])
    builder.add(vim.Folder, "web", slash)
    builder.add(vim.VirtualMachine, "web", datacenter["vm"])
    inventory = builder.inventory()
    root = inventory.folder(None, datacenter=inventory.datacenter())
    found = inventory.descend(root, ("a/b", "web", "eu"), "Folder")
    assert [entry.path for entry in found] == ["/DC0/vm/a%2fb", "/DC0/vm/a%2fb/web"]
    # A VM of the name is no folder.
    assert inventory.descend(root, ("web",), "Folder") == []


def test_vm_of_a_vapp(builder: Builder) -> None:
    cluster = builder.cluster("C0", builder.datacenter("DC0"))
    vapp = builder.add(vim.VirtualApp, "shop", cluster.pool, owner=cluster.ref)
    builder.add(vim.VirtualMachine, "web", None, parentVApp=vapp)
    (entry,) = builder.inventory().vms("web")
    assert entry.path == "/DC0/host/C0/Resources/shop/web"


def test_only_one_needs_no_name(builder: Builder) -> None:
    builder.cluster("C0", builder.datacenter("DC0"))
    assert builder.inventory().cluster(None).name == "C0"


def test_of_several_one_must_be_given(builder: Builder) -> None:
    datacenter = builder.datacenter("DC0")
    builder.cluster("C0", datacenter)
    builder.cluster("C1", datacenter)
    with pytest.raises(GantryError) as caught:
        builder.inventory().cluster(None)
    assert message_of(caught) == "cluster is not given and there are 2: /DC0/host/C0, /DC0/host/C1. Say which."


def test_misspelled_name_is_reported_with_similar_ones(builder: Builder) -> None:
    datacenter = builder.datacenter("DC0")
    for name in ("production", "staging"):
        builder.cluster(name, datacenter)
    inventory = builder.inventory()
    with pytest.raises(GantryError) as caught:
        inventory.cluster("prodction", datacenter=inventory.datacenter())
    assert message_of(caught) == (
        "There is no cluster 'prodction' in /DC0. Did you mean 'production'? "
        "There are: /DC0/host/production, /DC0/host/staging."
    )


def test_name_of_a_type_without_objects(builder: Builder) -> None:
    builder.datacenter("DC0")
    with pytest.raises(GantryError) as caught:
        builder.inventory().datastore("shared0")
    assert message_of(caught) == "There is no datastore 'shared0'. There is none at all that this user can see."


def test_long_list_is_cut(builder: Builder) -> None:
    datacenter = builder.datacenter("DC0")
    for number in range(25):
        builder.add(vim.Network, f"net{number:02}", datacenter["network"])
    with pytest.raises(GantryError, match=r"/DC0/network/net09 and 15 more\.$"):
        builder.inventory().network("other")


class TestSameNames:
    @pytest.fixture
    def inventory(self, builder: Builder) -> Inventory:
        for name in ("DC0", "DC1"):
            datacenter = builder.datacenter(name)
            builder.cluster("C", datacenter)
            builder.add(vim.Datastore, "shared0", datacenter["datastore"])
        return builder.inventory()

    def test_all_candidates_are_listed(self, inventory: Inventory) -> None:
        with pytest.raises(GantryError) as caught:
            inventory.datastore("shared0")
        first, second = (entry.moid for entry in inventory.all("Datastore"))
        assert message_of(caught) == (
            f"datastore 'shared0' is the name of 2: /DC0/datastore/shared0 ({first}), "
            f"/DC1/datastore/shared0 ({second}). Say which one by its path or MoID."
        )

    def test_datacenter_selects_one(self, inventory: Inventory) -> None:
        datacenter = inventory.datacenter("DC1")
        assert inventory.datastore("shared0", datacenter=datacenter).path == "/DC1/datastore/shared0"
        assert inventory.cluster("C", datacenter=datacenter).path == "/DC1/host/C"

    def test_path_selects_one(self, inventory: Inventory) -> None:
        assert inventory.datastore("/DC1/datastore/shared0").path == "/DC1/datastore/shared0"

    def test_moid_selects_one(self, inventory: Inventory) -> None:
        for entry in inventory.all("Datastore"):
            assert inventory.datastore(entry.moid) == entry

    def test_resource_pools_are_those_of_the_cluster(self, inventory: Inventory) -> None:
        cluster = inventory.cluster("/DC1/host/C")
        assert inventory.resource_pool(None, cluster=cluster).path == "/DC1/host/C/Resources"
        assert inventory.resource_pool("Resources", cluster=cluster).path == "/DC1/host/C/Resources"


class TestFolders:
    @pytest.fixture
    def inventory(self, builder: Builder) -> Inventory:
        datacenter = builder.datacenter("DC0")
        app = builder.add(vim.Folder, "app", datacenter["vm"])
        builder.add(vim.Folder, "web", app)
        app2 = builder.add(vim.Folder, "app2", datacenter["vm"])
        builder.add(vim.Folder, "app", app2)
        return builder.inventory()

    @pytest.mark.parametrize("path", ["app", "/app", "app/", "vm/app", "DC0/vm/app", "/DC0/vm/app"])
    def test_path_is_absolute_or_relative_to_the_root_folder(self, inventory: Inventory, path: str) -> None:
        assert inventory.folder(path, datacenter=inventory.datacenter()).path == "/DC0/vm/app"

    @pytest.mark.parametrize("path", [None, "", "/", "vm", "/DC0/vm"])
    def test_root_folder(self, inventory: Inventory, path: str | None) -> None:
        assert inventory.folder(path, datacenter=inventory.datacenter()).path == "/DC0/vm"

    @pytest.mark.parametrize("path", ["web", "ap", "app/we", "2/app", "p2"])
    def test_part_of_a_path_does_not_match(self, inventory: Inventory, path: str) -> None:
        with pytest.raises(GantryError, match=rf"^There is no folder '{path}' in /DC0/vm\."):
            inventory.folder(path, datacenter=inventory.datacenter())

    def test_other_kind(self, inventory: Inventory) -> None:
        assert inventory.folder(None, datacenter=inventory.datacenter(), kind="host").path == "/DC0/host"

    def test_similar_names_are_given_as_paths(self, inventory: Inventory) -> None:
        with pytest.raises(GantryError, match="Did you mean 'app/web' or 'app'"):
            inventory.folder("app/wbe", datacenter=inventory.datacenter())


def test_root_that_the_user_cannot_read(builder: Builder) -> None:
    datacenter = builder.datacenter("DC0")
    builder.set(datacenter["ref"], "vmFolder", None)
    inventory = builder.inventory()
    with pytest.raises(GantryError, match=r"^The vm folder of /DC0 cannot be read\. Check the privileges\.$"):
        inventory.folder(None, datacenter=inventory.datacenter())


def test_hosts_of_a_cluster(builder: Builder) -> None:
    datacenter = builder.datacenter("DC0")
    first, second = builder.cluster("C0", datacenter), builder.cluster("C1", datacenter)
    builder.add(vim.HostSystem, "esx1", first.ref)
    builder.add(vim.HostSystem, "esx2", second.ref)
    inventory = builder.inventory()
    cluster = inventory.cluster("C1")
    assert [entry.name for entry in inventory.hosts(cluster)] == ["esx2"]
    with pytest.raises(GantryError, match="There is no host 'esx1' in /DC0/host/C1"):
        inventory.host("esx1", cluster=cluster)


def test_vms_need_to_have_been_read() -> None:
    with pytest.raises(TypeError, match="without VMs"):
        Inventory([], vms=False, properties={}).vms()


NAMES = st.sampled_from(["a", "b", "a b", "a.b", "datastore", "DC0", "x%2fy"])


@given(st.lists(st.tuples(st.sampled_from(["DC0", "DC1"]), NAMES), min_size=1, max_size=8, unique=True))
def test_lookup_never_takes_one_of_several(places: list[tuple[str, str]]) -> None:
    builder = Builder()
    datacenters = {name: builder.datacenter(name) for name in ("DC0", "DC1")}
    for datacenter, name in places:
        builder.add(vim.Datastore, name, datacenters[datacenter]["datastore"])
    inventory = builder.inventory()
    entries = inventory.all("Datastore")
    count = Counter(entry.name for entry in entries)
    for entry in entries:
        assert inventory.datastore(entry.moid) == entry
        assert inventory.datastore(entry.path) == entry
        if count[entry.name] == 1:
            assert inventory.datastore(entry.name) == entry
        else:
            with pytest.raises(GantryError) as caught:
                inventory.datastore(entry.name)
            for other in entries:
                assert (f"{other.path} ({other.moid})" in message_of(caught)) == (other.name == entry.name)
        within = inventory.entry(entry.datacenter or "")
        assert isinstance(within, Entry)
        assert inventory.datastore(entry.name, datacenter=within) == entry


@pytest.mark.parametrize("name", ["ESX1.Example.COM", "/DC0/host/C0/ESX1.EXAMPLE.COM", "DC0/host/C0/esx1.example.com"])
def test_host_names_are_compared_without_case_as_dns_does(builder: Builder, name: str) -> None:
    cluster = builder.cluster("C0", builder.datacenter("DC0"))
    host = builder.add(vim.HostSystem, "esx1.example.com", cluster.ref)
    inventory = builder.inventory()
    assert inventory.host(name).moid == host._moId
    with pytest.raises(GantryError, match=r"There is no host '/DC0/host/c0/esx1\.example\.com'"):
        inventory.host("/DC0/host/c0/esx1.example.com")


def test_host_names_that_differ_by_case_alone_are_ambiguous(builder: Builder) -> None:
    datacenter = builder.datacenter("DC0")
    for cluster, name in (("C0", "esx1"), ("C1", "ESX1")):
        builder.add(vim.HostSystem, name, builder.cluster(cluster, datacenter).ref)
    with pytest.raises(GantryError, match="is the name of 2"):
        builder.inventory().host("Esx1")


def test_a_distributed_switch_is_found_among_switches_only(builder: Builder) -> None:
    datacenter = builder.datacenter("DC0")
    switch = builder.add(vim.dvs.VmwareDistributedVirtualSwitch, "DS", datacenter["network"])
    builder.add(vim.dvs.DistributedVirtualPortgroup, "web", datacenter["network"])
    known = builder.inventory()
    for asked in ("DS", "/DC0/network/DS", switch._moId):
        assert known.distributed_switch(asked).ref is switch
    with pytest.raises(GantryError, match="There is no switch 'web'"):
        known.distributed_switch("web")


def port_group(builder: Builder, datacenter: dict[str, Any], switch: Any, name: str, **properties: Any) -> Any:
    made = builder.add(vim.dvs.DistributedVirtualPortgroup, name, datacenter["network"], **properties)
    builder.set(made, "config.distributedVirtualSwitch", switch)
    return made


def test_port_groups_of_one_path_are_found_below_their_switches(builder: Builder) -> None:
    datacenter = builder.datacenter("DC0")
    switches = [builder.add(vim.dvs.VmwareDistributedVirtualSwitch, f"DS{n}", datacenter["network"]) for n in (0, 1)]
    groups = [port_group(builder, datacenter, switch, "a%2fb") for switch in switches]
    builder.datacenter("DC1")
    known = builder.inventory()
    for within in (None, known.datacenter("DC0")):
        for number, group in enumerate(groups):
            for path in (f"DS{number}/a%2fb", f"/DC0/network/DS{number}/a%2fb", group._moId):
                assert known.network(path, datacenter=within).ref is group
    with pytest.raises(GantryError) as caught:
        known.network("a/b")
    for number, group in enumerate(groups):
        assert f"/DC0/network/DS{number}/a%2fb ({group._moId})" in message_of(caught)


def test_the_port_groups_of_uplinks_are_not_networks(builder: Builder) -> None:
    datacenter = builder.datacenter("DC0")
    switch = builder.add(vim.dvs.VmwareDistributedVirtualSwitch, "DS", datacenter["network"])
    uplinks = port_group(builder, datacenter, switch, "DS-DVUplinks-1")
    builder.set(uplinks, "config.uplink", True)
    web = port_group(builder, datacenter, switch, "web")
    known = builder.inventory()
    assert known.network().ref is web
    assert {entry.ref for entry in known.networks(uplinks=True)} == {web, uplinks}
    with pytest.raises(GantryError, match="There is no network 'DS-DVUplinks-1'"):
        known.network("DS-DVUplinks-1")

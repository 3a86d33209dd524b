# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the computed target leads to the destination, and that nothing is left to do afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.hosts import HostChooser
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import DatastoreFacts, PlacementView
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import DiskTarget, MoveTarget
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.resolve import ResolvedDestination, ResolvedDisk
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.target import target_of
from tests.support.builders.placement_views import host, places, view, views, vm, vms


@given(st.data())
def test_a_moved_vm_is_at_its_destination(data: st.DataObject) -> None:
    here = data.draw(views())
    one, where = data.draw(vms(here)), data.draw(places(here))
    target, blockers = target_of(one, where, here, here)
    assert blockers == []
    if target.choose_in is not None:
        candidates = [host for host in here.hosts.values() if host.cluster == target.choose_in]
        target = replace(target, host=data.draw(st.sampled_from(candidates)).moid, choose_in=None)
    moved = target.applied_to(one)
    if where.host is not None:
        assert moved.host == where.host
    if where.cluster is not None:
        assert moved.cluster == where.cluster
        assert here.hosts[moved.host or ""].cluster == where.cluster
    if where.pool is not None:
        assert moved.pool == where.pool
    if where.datastore is not None and not where.disks:
        assert moved.datastores == (where.datastore,)
    for adapter in moved.adapters:
        assert not (where.network_mapping and adapter.network == "net0")
    again, _blockers = target_of(moved, where, here, here)
    assert again.in_place, again


@given(st.data())
def test_options_that_are_not_given_do_not_change(data: st.DataObject) -> None:
    here = data.draw(views())
    one = data.draw(vms(here))
    where = ResolvedDestination(
        host=data.draw(st.sampled_from(sorted(h.moid for h in here.hosts_of(one.cluster or ""))))
    )
    where = replace(where, cluster=one.cluster)
    moved = target_of(one, where, here, here)[0].applied_to(one)
    assert replace(moved, host=one.host) == one


def test_a_cluster_keeps_the_vms_that_are_in_it() -> None:
    here = view()
    target, _ = target_of(vm(), ResolvedDestination(cluster="c0"), here, here)
    assert target.in_place


def test_another_cluster_requires_a_host_and_selects_its_root_pool() -> None:
    here = view(host(1), host(2, "c1"))
    target, _ = target_of(vm(), ResolvedDestination(cluster="c1"), here, here)
    assert target == MoveTarget(choose_in="c1", pool="pool-c1", cluster="c1")


def test_a_single_disk_is_moved_and_the_rest_stays() -> None:
    here = view()
    where = ResolvedDestination(disks=(ResolvedDisk("Hard disk 2", "ds1", "thin"),))
    target, _ = target_of(vm(), where, here, here)
    assert target == MoveTarget(disks={2001: DiskTarget("ds1", "thin")}, splits_disks=True)


def test_an_unknown_disk_is_refused_with_the_existing_ones() -> None:
    with pytest.raises(GantryError, match=r"no disk 'Hard disk 9'. It has: 'Hard disk 1' \(2000\)"):
        target_of(vm(), ResolvedDestination(disks=(ResolvedDisk("Hard disk 9", "ds1", None),)), view(), view())


def pod_view() -> PlacementView:
    here = view()
    members = {
        "p1": DatastoreFacts("p1", "p1", free_bytes=1, pod="pod"),
        "p2": DatastoreFacts("p2", "p2", free_bytes=9, pod="pod"),
        "p3": DatastoreFacts("p3", "p3", free_bytes=99, pod="pod", maintenance=True),
    }
    hosts = {moid: replace(one, datastores=one.datastores | members.keys()) for moid, one in here.hosts.items()}
    return replace(here, hosts=hosts, datastores={**here.datastores, **members}, pods={"pod": "gold"})


def test_a_datastore_cluster_moves_other_files_to_its_datastore_with_the_most_free_space() -> None:
    here = pod_view()
    one = vm(home="p1", disks=(replace(vm().disks[0], datastore="p1"), vm().disks[1]))
    target, blockers = target_of(one, ResolvedDestination(pod="pod"), here, here)
    assert (target, blockers) == (MoveTarget(disks={2001: DiskTarget("p2")}), [])


def test_a_datastore_cluster_that_no_host_sees_is_a_blocker() -> None:
    here = pod_view()
    blind = replace(here, hosts={moid: replace(one, datastores=frozenset()) for moid, one in here.hosts.items()})
    _, (blocker,) = target_of(vm(), ResolvedDestination(pod="pod"), blind, blind)
    assert (blocker.code, "gold" in blocker.message) == ("datastore_not_shared", True)


def test_another_vcenter_uses_its_own_datastores_and_networks_with_the_same_names() -> None:
    here = view()
    there = replace(
        view(host(7, "c7")),
        networks={"n9": "VM Network"},
        datastores={"d9": DatastoreFacts("d9", "whatever", url=here.datastores["ds0"].url)},
    )
    target, blockers = target_of(vm(), ResolvedDestination(host="h7", cluster="c7"), there, here)
    assert blockers == []
    assert (target.host, target.pool, target.home) == ("h7", "pool-c7", "d9")
    assert target.disks == {2000: DiskTarget("d9"), 2001: DiskTarget("d9")}
    assert target.networks == {4000: "n9"}


def test_a_network_name_that_another_vcenter_has_twice_is_a_blocker() -> None:
    there = replace(view(host(7, "c7")), networks={"n8": "VM Network", "n9": "VM Network"})
    destination = ResolvedDestination(host="h7", cluster="c7")
    _, blockers = target_of(vm(), destination, there, view())
    assert "the destination has 2 networks 'VM Network'" in blockers[-1].message
    target, _ = target_of(vm(), replace(destination, network_mapping={"net0": "n9"}), there, view())
    assert target.networks == {4000: "n9"}


def test_resources_that_another_vcenter_lacks_are_blockers() -> None:
    there = replace(view(host(7, "c7")), networks={}, datastores={})
    _, blockers = target_of(vm(), ResolvedDestination(host="h7", cluster="c7"), there, view())
    assert [blocker.code for blocker in blockers] == ["datastore_not_shared", "network_missing"]
    assert "destination_vcenter.datastore" in blockers[0].remedy


@given(st.data())
def test_a_chosen_host_has_no_blockers(data: st.DataObject) -> None:
    here = data.draw(views())
    one = data.draw(vms(here))
    avoid = data.draw(st.sets(st.sampled_from(sorted(here.hosts))))
    chooser = HostChooser("any", here, avoid=avoid)
    target, blockers = chooser.choose(one, MoveTarget(choose_in=one.cluster))
    if blockers:
        assert target.choose_in == one.cluster
        return
    chosen = here.hosts[target.host or ""]
    assert chosen.usable
    assert chosen.moid not in avoid
    assert chosen.cluster == one.cluster
    if chosen.moid == one.host:
        return
    assert set(one.datastores) <= chosen.datastores
    assert not any(rule.forbids(one.moid, chosen.moid) for rule in here.clusters[one.cluster or ""].mandatory)


def test_without_a_precheck_blockers_are_ignored() -> None:
    here = view(host(1), host(2, datastores=frozenset()))
    blind = HostChooser("any", here, avoid=["h1"], looks=False)
    assert blind.choose(vm(), MoveTarget(choose_in="c0"))[0].host == "h2"
    assert HostChooser("any", here, avoid=["h1"]).choose(vm(), MoveTarget(choose_in="c0"))[1] != []


def test_many_vms_are_spread_by_memory() -> None:
    here = view(host(1), host(2), host(3, memory_mb=8192))
    chooser = HostChooser("any", here, avoid=["h1"])
    chosen = [chooser.choose(vm(str(n), memory_mb=1024), MoveTarget(choose_in="c0"))[0].host for n in range(10)]
    assert (chosen.count("h2"), chosen.count("h3")) == (3, 7)

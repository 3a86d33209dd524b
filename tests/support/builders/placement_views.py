# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small placement views for tests, built by hand or drawn by Hypothesis."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    AdapterFacts,
    ClusterFacts,
    DatastoreFacts,
    DiskFacts,
    HostFacts,
    MandatoryRule,
    PlacementView,
    VmFacts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.resolve import ResolvedDestination, ResolvedDisk

SHARED = frozenset({"ds0", "ds1"})
NETWORKS = {"net0": "VM Network", "net1": "Backend"}


def host(number: int, cluster: str = "c0", **changes: Any) -> HostFacts:
    """Return a host that sees both shared datastores and a local one."""
    base = HostFacts(
        f"h{number}",
        f"esx{number}",
        cluster,
        datastores=SHARED | {f"local{number}"},
        networks=frozenset(NETWORKS),
        memory_mb=4096,
        cpu_mhz=8000,
    )
    return replace(base, **changes)


def view(*hosts: HostFacts, **clusters: Any) -> PlacementView:
    """Return a view. ``clusters`` has the fields of a cluster that differ from the default, by its MoID."""
    hosts = hosts or (host(1), host(2), host(3))
    stores = {moid for one in hosts for moid in one.datastores}
    moids = {one.cluster for one in hosts if one.cluster is not None}
    return PlacementView(
        hosts={one.moid: one for one in hosts},
        datastores={
            moid: DatastoreFacts(moid, moid, url=f"ds:///{moid}/", free_bytes=1 << 30) for moid in sorted(stores)
        },
        clusters={
            moid: replace(
                ClusterFacts(moid, moid.upper(), f"/DC0/host/{moid}", f"pool-{moid}", drs=True),
                **clusters.get(moid, {}),
            )
            for moid in sorted(moids)
        },
        networks=NETWORKS,
        pools={f"pool-{moid}": f"/DC0/host/{moid}/Resources" for moid in sorted(moids)},
    )


def vm(name: str = "web", on: str = "h1", **changes: Any) -> VmFacts:
    base = VmFacts(
        moid=f"vm-{name}",
        name=name,
        path=f"/DC0/vm/{name}",
        host=on,
        cluster="c0",
        pool="pool-c0",
        power="on",
        home="ds0",
        disks=(DiskFacts(2000, "Hard disk 1", "ds0", "thin"), DiskFacts(2001, "Hard disk 2", "ds0", "thick")),
        adapters=(AdapterFacts(4000, "Network adapter 1", "net0"),),
        memory_mb=256,
    )
    return replace(base, **changes)


@st.composite
def views(draw: st.DrawFn) -> PlacementView:
    """Draw two clusters with hosts in all states."""
    hosts = [
        host(
            number,
            draw(st.sampled_from(["c0", "c1"])) if number > 2 else f"c{number - 1}",
            connection=draw(st.sampled_from(["connected", "connected", "disconnected"])),
            maintenance=draw(st.booleans()),
            networks=frozenset(draw(st.sets(st.sampled_from(sorted(NETWORKS))))),
            memory_mb=draw(st.integers(0, 8192)),
        )
        for number in range(1, draw(st.integers(3, 6)))
    ]
    made = view(*hosts)
    rule = MandatoryRule(
        "rule",
        frozenset(draw(st.sets(st.sampled_from(["vm-a", "vm-b"])))),
        frozenset(draw(st.sets(st.sampled_from([one.moid for one in hosts])))),
        draw(st.booleans()),
    )
    clusters = {moid: replace(one, mandatory=(rule,), drs=draw(st.booleans())) for moid, one in made.clusters.items()}
    return replace(made, clusters=clusters)


@st.composite
def vms(draw: st.DrawFn, inside: PlacementView) -> VmFacts:
    on = draw(st.sampled_from(sorted(inside.hosts)))
    cluster = inside.hosts[on].cluster
    stores = sorted(inside.hosts[on].datastores)
    return vm(
        draw(st.sampled_from(["a", "b", "c"])),
        on,
        cluster=cluster,
        pool=f"pool-{cluster}",
        power=draw(st.sampled_from(["on", "off", "suspended"])),
        home=draw(st.sampled_from(stores)),
        disks=tuple(DiskFacts(2000 + n, f"Hard disk {n + 1}", draw(st.sampled_from(stores)), "thin") for n in range(2)),
        adapters=(AdapterFacts(4000, "Network adapter 1", draw(st.sampled_from([*NETWORKS, None]))),),
    )


@st.composite
def places(draw: st.DrawFn, inside: PlacementView) -> ResolvedDestination:
    on = draw(st.sampled_from([None, *sorted(inside.hosts)]))
    cluster = inside.hosts[on].cluster if on else draw(st.sampled_from([None, *sorted(inside.clusters)]))
    stores = [None, *sorted(inside.datastores)]
    return ResolvedDestination(
        host=on,
        cluster=cluster,
        pool=draw(st.sampled_from([None, f"pool-{cluster}"])) if cluster else None,
        datastore=draw(st.sampled_from(stores)),
        network_mapping=draw(st.sampled_from([{}, {"net0": "net1"}])),
        disks=draw(
            st.sampled_from([(), (ResolvedDisk("Hard disk 2", "ds1", "thin"),), (ResolvedDisk(2000, "ds1", None),)])
        ),
    )

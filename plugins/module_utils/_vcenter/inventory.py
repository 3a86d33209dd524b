# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory tree, read at once, and lookups in it by name, path or MoID, which are never ambiguous."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row, retrieve
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory_tree import (
    FOLDER_PROPERTIES,
    SWITCH_OF,
    UPLINK,
    tree_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import canonical_path, decode_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_or_none, type_name

_CLUSTERS = ("ClusterComputeResource", "ComputeResource")
_NETWORKS = ("Network", "DistributedVirtualPortgroup", "OpaqueNetwork")
_SWITCHES = ("DistributedVirtualSwitch", "VmwareDistributedVirtualSwitch")
_POOLS = ("ResourcePool", "VirtualApp")


class NotFoundError(GantryError):
    """No object of the inventory has the given name, path or MoID."""


@dataclass(frozen=True)
class Entry:
    """One object of the inventory. ``path`` is its inventory path, ``name`` its unescaped name."""

    name: str
    path: str
    type_name: str
    moid: str
    ref: Any = field(compare=False)
    parent: str | None = None
    datacenter: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict, compare=False)


class Inventory:
    """A snapshot of the inventory tree. Its lookups make no request."""

    def __init__(self, rows: Iterable[Row], *, vms: bool, properties: Mapping[str, frozenset[str]]) -> None:
        self.vms_included = vms
        self.properties = dict(properties)
        self._entries = _entries({row.moid: row for row in rows})
        self._by_type: dict[str, list[Entry]] = {}
        for entry in self._entries.values():
            self._by_type.setdefault(entry.type_name, []).append(entry)

    @classmethod
    def read(cls, content: Any, *, vms: bool, properties: Mapping[str, frozenset[str]]) -> Inventory:
        """Read the inventory with one request per page."""
        spec = tree_spec(content.rootFolder, vms=vms, properties=properties)
        return cls(retrieve(content.propertyCollector, spec), vms=vms, properties=properties)

    def covers(self, vms: bool, properties: Mapping[str, frozenset[str]]) -> bool:
        return (self.vms_included or not vms) and all(
            paths <= self.properties.get(name, frozenset()) for name, paths in properties.items()
        )

    # -- objects of a type

    def entry(self, moid: str) -> Entry | None:
        return self._entries.get(moid)

    def all(self, *type_names: str) -> list[Entry]:
        return [entry for name in type_names for entry in self._by_type.get(name, ())]

    def datacenter(self, name: str | None = None, *, what: str = "datacenter") -> Entry:
        return self._one(what, name, self.all("Datacenter"), None)

    def cluster(self, name: str | None = None, *, datacenter: Entry | None = None, what: str = "cluster") -> Entry:
        found = self._in(datacenter, self.all(*_CLUSTERS))
        return self._one(what, name, found, datacenter, self._base(datacenter, "host"))

    def host(
        self,
        name: str | None = None,
        *,
        datacenter: Entry | None = None,
        cluster: Entry | None = None,
        what: str = "host",
    ) -> Entry:
        """Find a host; its name is compared without case, as it is a DNS name."""
        found = self._in(datacenter, self.all("HostSystem") if cluster is None else self.hosts(cluster))
        return self._one(what, name, found, cluster or datacenter, self._base(datacenter, "host"), key=_host_key)

    def hosts(self, cluster: Entry) -> list[Entry]:
        return [entry for entry in self.all("HostSystem") if entry.parent == cluster.moid]

    def resource_pools(self, cluster: Entry) -> list[Entry]:
        """Return all resource pools of the cluster, including vApps and its root pool."""
        return [pool for pool in self.all(*_POOLS) if moid_or_none(pool.properties.get("owner")) == cluster.moid]

    def resource_pool(self, name: str | None, *, cluster: Entry, what: str = "resource_pool") -> Entry:
        """Find a resource pool by its name or its path below the cluster; None is the cluster's root pool."""
        pools = self.resource_pools(cluster)
        root = self.entry(moid_or_none(cluster.properties.get("resourcePool")) or "")
        if name is None:
            if root is None:
                raise GantryError(f"The root resource pool of {cluster.path} cannot be read. Check the privileges.")
            return root
        return self._one(what, name, pools, cluster, cluster.path, *(() if root is None else (root.path,)))

    def folder(self, path: str | None, *, datacenter: Entry, kind: str = "vm", what: str = "folder") -> Entry:
        """Find a folder by its path from the root or below the datacenter's folder of the kind; None is that folder."""
        root = self.entry(moid_or_none(datacenter.properties.get(FOLDER_PROPERTIES[kind])) or "")
        if root is None:
            raise GantryError(f"The {kind} folder of {datacenter.path} cannot be read. Check the privileges.")
        if path is None or path.strip("/") == "":
            return root
        below = [entry for entry in self.all("Folder", "StoragePod") if entry.path.startswith(f"{root.path}/")]
        # A folder is given by its path: "app" is the one below the root, not any folder with that name.
        candidates = [root, *below]
        below_top = canonical_path(path)
        wanted = {below_top, root.path + below_top, datacenter.path + below_top}
        found = [entry for entry in candidates if entry.path in wanted or entry.moid == path]
        if not found:
            raise _none(what, path, [entry.path.removeprefix(f"{root.path}/") for entry in below], below, root)
        return self._only(what, path, found, [entry.path for entry in found])

    def descend(self, root: Entry, names: Iterable[str], *type_names: str) -> list[Entry]:
        """Return the entries of these types along the names below the root, as far as they exist."""
        found: list[Entry] = []
        above = root
        for name in names:
            there = [one for one in self.all(*type_names) if one.parent == above.moid and one.name == name]
            if not there:
                break
            (above,) = there
            found.append(above)
        return found

    def datastore(self, name: str | None = None, *, datacenter: Entry | None = None, what: str = "datastore") -> Entry:
        found = self._in(datacenter, self.all("Datastore"))
        return self._one(what, name, found, datacenter, self._base(datacenter, "datastore"))

    def datastore_cluster(self, name: str, *, what: str = "datastore_cluster") -> Entry:
        return self._one(what, name, self.all("StoragePod"), None)

    def networks(self, *, uplinks: bool = False) -> list[Entry]:
        """Return the port groups of all kinds. Those of uplinks are for physical adapters and not for VMs."""
        return [entry for entry in self.all(*_NETWORKS) if uplinks or not entry.properties.get(UPLINK)]

    def network(self, name: str | None = None, *, datacenter: Entry | None = None, what: str = "network") -> Entry:
        """Find a network; a distributed port group also by ``switch/port group``, as several may have the same path."""
        found = self._in(datacenter, self.networks())
        folders = [self._base(one, "network") for one in ([datacenter] if datacenter else self.all("Datacenter"))]
        return self._one(what, name, found, datacenter, *folders, below=self.switch_of)

    def switch_of(self, port_group: Entry) -> Entry | None:
        """Return the switch of a distributed port group, or None if it is not visible."""
        return self.entry(moid_or_none(port_group.properties.get(SWITCH_OF)) or "")

    def connection_of(self, port_group: Entry) -> tuple[str, str] | None:
        """Return the UUID of the switch and the key of a distributed port group, or None if they are not visible.

        The key is unlike the MoID after the switch has been restored, imported or moved to another vCenter.
        """
        switch = self.switch_of(port_group)
        uuid, key = None if switch is None else switch.properties.get("uuid"), port_group.properties.get("key")
        return None if uuid is None or key is None else (str(uuid), str(key))

    def port_group(self, switch_uuid: str, key: str) -> str | None:
        """Return the MoID of the distributed port group with this key on the switch."""
        return self._port_groups.get((switch_uuid, key))

    @cached_property
    def _port_groups(self) -> dict[tuple[str, str], str]:
        groups = self.all("DistributedVirtualPortgroup")
        return {found: entry.moid for entry in groups if (found := self.connection_of(entry)) is not None}

    @staticmethod
    def opaque_id_of(network: Entry) -> tuple[str, str] | None:
        """Return type and id of an opaque network, or None if they are not visible."""
        summary = network.properties.get("summary")
        return None if summary is None else (str(summary.opaqueNetworkType), str(summary.opaqueNetworkId))

    def opaque_network(self, kind: str, network_id: str) -> str | None:
        """Return the MoID of the opaque network with this type and id."""
        return self._opaque_networks.get((kind, network_id))

    @cached_property
    def _opaque_networks(self) -> dict[tuple[str, str], str]:
        networks = self.all("OpaqueNetwork")
        return {found: entry.moid for entry in networks if (found := self.opaque_id_of(entry)) is not None}

    def standard_network(self, name: str, datacenter: str | None) -> str | None:
        """Return the MoID of the network of the standard port groups with this name, by the datacenter's MoID."""
        return self._standard_networks.get((datacenter, name))

    @cached_property
    def _standard_networks(self) -> dict[tuple[str | None, str], str]:
        return {(entry.datacenter, entry.name): entry.moid for entry in self.all("Network")}

    def distributed_switch(self, name: str, *, datacenter: Entry | None = None, what: str = "switch") -> Entry:
        found = self._in(datacenter, self.all(*_SWITCHES))
        return self._one(what, name, found, datacenter, self._base(datacenter, "network"))

    def vms(
        self, name: str | None = None, *, datacenter: Entry | None = None, folder: Entry | None = None
    ) -> list[Entry]:
        """Return all VMs or all VMs with that name. The inventory must have been read with ``vms=True``."""
        if not self.vms_included:
            raise TypeError("this inventory was read without VMs")
        found = self._in(datacenter, self.all("VirtualMachine"))
        if folder is not None:
            found = [entry for entry in found if entry.parent == folder.moid]
        return found if name is None else [entry for entry in found if entry.name == name]

    # -- selecting one object

    @staticmethod
    def _in(datacenter: Entry | None, entries: list[Entry]) -> list[Entry]:
        if datacenter is None:
            return entries
        return [entry for entry in entries if entry.datacenter == datacenter.moid]

    def _base(self, datacenter: Entry | None, kind: str) -> str:
        root = None if datacenter is None else datacenter.properties.get(FOLDER_PROPERTIES[kind])
        entry = self.entry(moid_or_none(root) or "")
        return "" if entry is None else entry.path

    def _one(
        self,
        what: str,
        asked: str | None,
        entries: Sequence[Entry],
        within: Entry | None,
        *bases: str,
        key: Callable[[str], str] = str,
        below: Callable[[Entry], Entry | None] = lambda _entry: None,
    ) -> Entry:
        """Find the one entry with this name, path or MoID. Names and paths with the same ``key`` are equal.

        ``below`` returns an object that an entry belongs to besides its parent, and below which it has another path.
        """
        if asked is None:
            if len(entries) == 1:
                return entries[0]
            if not entries:
                raise GantryError(f"There is no {_noun(what, within)} that this user can see. Check the privileges.")
            raise GantryError(
                f"{what} is not given and there are {len(entries)}: {listed(sorted(entry.path for entry in entries))}. "
                "Say which."
            )
        found = [entry for entry in entries if entry.moid == asked or key(entry.name) == key(asked)]
        if not found and "/" in asked:
            wanted = {key(base + canonical_path(asked)) for base in ("", *bases)}
            found = [entry for entry in entries if not wanted.isdisjoint(map(key, _paths(entry, below(entry))))]
        if not found:
            raise _none(what, asked, [entry.name for entry in entries], entries, within)
        return self._only(what, asked, found, [_paths(entry, below(entry))[-1] for entry in found])

    @staticmethod
    def _only(what: str, asked: str, found: Sequence[Entry], paths: Sequence[str]) -> Entry:
        if len(found) == 1:
            return found[0]
        candidates = sorted(f"{path} ({entry.moid})" for entry, path in zip(found, paths, strict=True))
        raise GantryError(
            f"{what} {asked!r} is the name of {len(found)}: {listed(candidates)}. Say which one by its path or MoID."
        )


def _paths(entry: Entry, owner: Entry | None) -> tuple[str, ...]:
    """Return the path of an object, and the one below the object that it belongs to, with its name as it is stored."""
    if owner is None:
        return (entry.path,)
    return entry.path, f"{owner.path}/{entry.path.rpartition('/')[2]}"


def _none(what: str, asked: str, names: Iterable[str], entries: Sequence[Entry], within: Entry | None) -> NotFoundError:
    message = f"There is no {_noun(what, within, asked)}."
    close = difflib.get_close_matches(asked, set(names), n=3, cutoff=0.6)
    if close:
        message += f" Did you mean {' or '.join(repr(name) for name in close)}?"
    if entries:
        message += f" There are: {listed(sorted(entry.path for entry in entries))}."
    else:
        message += " There is none at all that this user can see."
    return NotFoundError(message)


def _noun(what: str, within: Entry | None, asked: str | None = None) -> str:
    """Describe what was looked for: "resource pool 'a' in /DC0/host/C0"."""
    name = "" if asked is None else f" {asked!r}"
    place = "" if within is None else f" in {within.path}"
    return f"{what.replace('_', ' ')}{name}{place}"


def _host_key(text: str) -> str:
    above, slash, name = text.rpartition("/")
    return above + slash + name.casefold()


def _entries(rows: Mapping[str, Row]) -> dict[str, Entry]:
    """Return the rows as entries, with paths derived from their parents."""
    known: dict[str, Entry] = {}

    def place(row: Row) -> Entry:
        if row.moid in known:
            return known[row.moid]
        parent = _parent(row)
        above = place(rows[parent]) if parent is not None and parent in rows else None
        kind = type_name(row.ref)
        # vCenter escapes characters in a name that would break a path; paths keep the escapes, names are unescaped.
        name = str(row.get("name", ""))
        entry = Entry(
            name=decode_name(name),
            path="" if above is None and kind == "Folder" else f"{above.path if above else ''}/{name}",
            type_name=kind,
            moid=row.moid,
            ref=row.ref,
            parent=parent,
            datacenter=row.moid if kind == "Datacenter" else (above.datacenter if above else None),
            properties=row,
        )
        known[row.moid] = entry
        return entry

    for row in rows.values():
        place(row)
    return known


def _parent(row: Row) -> str | None:
    return moid_or_none(row.get("parent") or row.get("parentVApp"))

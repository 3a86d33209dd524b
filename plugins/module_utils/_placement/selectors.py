# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Select VMs by name, path, MoID, UUID, labels or stack, from one read of the inventory."""

from __future__ import annotations

import difflib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_strings
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import PROJECT_LABEL
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import KIND_CONTAINER
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.agents import AGENT_PROPERTIES, is_agent
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory, NotFoundError

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

Kind = Literal["name", "path", "moid", "uuid", "labels", "stack"]
_KINDS: tuple[Kind, ...] = ("name", "path", "moid", "uuid", "labels", "stack")

# The properties of VMs that selecting needs from the inventory.
SELECTOR_PROPERTIES: tuple[str, ...] = (
    *AGENT_PROPERTIES,
    "config.template",
    "config.uuid",
    "config.instanceUuid",
    keys.option_path(keys.LABELS),
    keys.option_path(keys.KIND),
)


@dataclass(frozen=True)
class VmSelector:
    """One selector of VMs. ``value`` is empty for labels."""

    kind: Kind
    value: str = ""
    folder: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def means_many(self) -> bool:
        """Return whether the selector may match any number of VMs; otherwise it must match exactly one."""
        return self.kind in ("labels", "stack")

    def __str__(self) -> str:
        if self.kind == "labels":
            return "with the labels " + ", ".join(f"{key}={value}" for key, value in sorted(self.labels.items()))
        if self.kind == "stack":
            return f"of the stack {self.value!r}"
        if self.kind == "name":
            return f"named {self.value!r}" + ("" if self.folder is None else f" in the folder {self.folder!r}")
        return f"with {self.kind} {self.value!r}"


def parse_selectors(values: Sequence[str | Mapping[str, Any]], option: str) -> tuple[VmSelector, ...]:
    """Parse the selectors of an option, in their order."""
    return tuple(_parse(value, f"{option}[{index}]") for index, value in enumerate(values))


def _parse(value: str | Mapping[str, Any], option: str) -> VmSelector:
    if isinstance(value, str):
        return _of_kind("path" if "/" in value else "name", value, None, option)
    if not isinstance(value, Mapping):
        raise GantryError(
            f"{option} is {value!r}; give a VM by a string, its name or path, or by a mapping such as "
            "{'name': 'web', 'folder': 'apps'}. A name that is a number needs quotes."
        )
    given = {key: item for key, item in value.items() if item is not None}
    unknown = sorted(str(key) for key in given.keys() - {*_KINDS, "folder"})
    if unknown:
        raise GantryError(f"{option} has {', '.join(unknown)}; it may have: {', '.join((*_KINDS, 'folder'))}.")
    kinds = [kind for kind in _KINDS if kind in given]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "none of them"
        raise GantryError(f"{option} requires exactly one of {', '.join(_KINDS)}; it has {found}.")
    folder = given.get("folder")
    if folder is not None and kinds[0] != "name":
        raise GantryError(f"{option} has folder together with {kinds[0]}; folder can only be combined with name.")
    if folder is not None and not isinstance(folder, str):
        raise GantryError(f"{option}.folder is {folder!r}; give the path of a folder as a string.")
    return _of_kind(kinds[0], given[kinds[0]], folder, option)


def _of_kind(kind: Kind, value: Any, folder: str | None, option: str) -> VmSelector:
    if kind == "labels":
        if not isinstance(value, Mapping) or not value:
            raise GantryError(f"{option}.labels is {value!r}; give a mapping of at least one label to its value.")
        return VmSelector(kind, labels=parse_strings(value, f"{option}.labels"))
    if not isinstance(value, str):
        raise GantryError(f"{option}.{kind} is {value!r}, which is not a string; put it in quotes.")
    if not value.strip("/ "):
        raise GantryError(f"{option} is empty. Give the name or path of a VM.")
    if kind == "uuid":
        try:
            value = str(uuid.UUID(value))
        except ValueError:
            raise GantryError(f"{option}.uuid is {value!r}, which is not a UUID.") from None
    return VmSelector(kind, value, folder)


def read_selectable(
    session: Session,
    *,
    properties: Mapping[str, Sequence[str]] | None = None,
    refresh: bool = False,
) -> Inventory:
    """Read the inventory with VMs and the properties that selecting needs, in addition to those given by type."""
    wanted = {name: list(paths) for name, paths in (properties or {}).items()}
    wanted["VirtualMachine"] = [*SELECTOR_PROPERTIES, *wanted.get("VirtualMachine", ())]
    return session.inventory(vms=True, properties=wanted, refresh=refresh)


def select_vms(
    inventory: Inventory,
    selectors: Sequence[VmSelector],
    *,
    datacenter: Entry | None,
    option: str,
    may_be_none: bool = False,
    may_be_gone: bool = False,
) -> list[Entry]:
    """Return the selected VMs, each once, in the selectors' order; for labels and stack in the order of their paths.

    ``may_be_none``: labels and stack may match no VM. ``may_be_gone``: any selector may match no VM.
    """
    vms = [vm for vm in inventory.vms(datacenter=datacenter) if not vm.properties.get("config.template")]
    chosen: dict[str, Entry] = {}
    for index, selector in enumerate(selectors):
        found = _matching(inventory, vms, selector, datacenter)
        if not found and may_be_gone:
            continue
        if not selector.means_many:
            _exactly_one(found, vms, selector, datacenter, f"{option}[{index}]")
        elif not found and not may_be_none:
            raise NotFoundError(f"{option}[{index}]: there is no VM {selector}{_within(datacenter)}.")
        if not may_be_gone:
            _no_agents(found, f"{option}[{index}]")
        chosen.update({vm.moid: vm for vm in sorted(found, key=lambda vm: vm.path) if vm.moid not in chosen})
    return list(chosen.values())


def _no_agents(found: Sequence[Entry], option: str) -> None:
    agents = [vm.path for vm in found if is_agent(vm)]
    if agents:
        raise GantryError(
            f"{option}: VM {agents[0]} is an agent VM, which vCenter manages itself. Leave it out: vCenter places, "
            "moves and stops it."
        )


def labels_of(vm: Entry) -> dict[str, str]:
    """Return the labels of a container; other VMs have none."""
    if keys.option(vm.properties, keys.KIND) != KIND_CONTAINER:
        return {}
    return keys.decode_labels(keys.option(vm.properties, keys.LABELS))


def _matching(
    inventory: Inventory, vms: Sequence[Entry], selector: VmSelector, datacenter: Entry | None
) -> list[Entry]:
    if selector.kind == "name":
        named = [vm for vm in vms if vm.name == selector.value]
        if selector.folder is None:
            return named
        folder = inventory.folder(selector.folder, datacenter=datacenter or inventory.datacenter())
        return [vm for vm in named if vm.parent == folder.moid]
    if selector.kind == "path":
        wanted = _paths(inventory, selector.value, datacenter)
        return [vm for vm in vms if vm.path in wanted]
    if selector.kind == "moid":
        return [vm for vm in vms if vm.moid == selector.value]
    if selector.kind == "uuid":
        return _of_uuid(vms, selector.value)
    labels = {PROJECT_LABEL: selector.value} if selector.kind == "stack" else selector.labels
    return [vm for vm in vms if labels.items() <= labels_of(vm).items()]


def _paths(inventory: Inventory, path: str, datacenter: Entry | None) -> set[str]:
    """Return the inventory paths that a path may stand for: from the root, or below a datacenter's VM folder."""
    inner = path.strip("/")
    roots = [
        inventory.folder(None, datacenter=one)
        for one in (inventory.all("Datacenter") if datacenter is None else [datacenter])
    ]
    return {f"/{inner}", *(f"{root.path}/{inner}" for root in roots)}


def _of_uuid(vms: Sequence[Entry], wanted: str) -> list[Entry]:
    # Copies of a VM may share the BIOS UUID; vCenter keeps the instance UUID unique, so it is tried first.
    for path in ("config.instanceUuid", "config.uuid"):
        found = [vm for vm in vms if str(vm.properties.get(path, "")).lower() == wanted]
        if found:
            return found
    return []


def _exactly_one(
    found: Sequence[Entry], vms: Sequence[Entry], selector: VmSelector, datacenter: Entry | None, option: str
) -> None:
    if len(found) == 1:
        return
    if found:
        paths = sorted(f"{vm.path} ({vm.moid})" for vm in found)
        raise GantryError(
            f"{option}: there are {len(found)} VMs {selector}{_within(datacenter)}: {listed(paths)}. "
            "Select one by its path or MoID.",
            details={"candidates": sorted(vm.path for vm in found)},
        )
    raise NotFoundError(f"{option}: there is no VM {selector}{_within(datacenter)}{_hint(vms, selector)}.")


def _hint(vms: Sequence[Entry], selector: VmSelector) -> str:
    """Return the paths of VMs with that name or a similar one, for the error message."""
    if selector.kind not in ("name", "path"):
        return ""
    name = selector.value.rstrip("/").rpartition("/")[2]
    close = difflib.get_close_matches(name, {vm.name for vm in vms if not is_agent(vm)}, n=3, cutoff=0.6)
    paths = sorted(vm.path for vm in vms if vm.name in close)
    return f"; similar names: {listed(paths)}" if paths else ""


def _within(datacenter: Entry | None) -> str:
    return "" if datacenter is None else f" in the datacenter {datacenter.name}"

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolve the names in a ruleset to MoIDs, in an inventory that was read. Makes no request."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    REMOVE,
    ClusterPlace,
    GroupTarget,
    Ruleset,
    RulesetTarget,
    RuleTarget,
    WantedGroup,
    WantedOverride,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selectors import VmSelector, select_vms
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, NotFoundError


def resolve_ruleset(wanted: Ruleset, place: ClusterPlace) -> RulesetTarget:
    """Return the ruleset with MoIDs; raise GantryError where a name matches no object or several."""
    return RulesetTarget(
        groups=tuple(_group(group, place) for group in wanted.groups),
        rules=tuple(
            RuleTarget(
                rule.name,
                rule.present,
                rule.type,
                rule.enabled,
                rule.mandatory,
                None if rule.vms is None else _vms(rule.vms, place, rule.option),
                rule.vm_group,
                rule.host_group,
                rule.depends_on,
            )
            for rule in wanted.rules
        ),
        overrides=_overrides(wanted.overrides, place),
        purge_prefix=wanted.purge_prefix,
    )


def _group(wanted: WantedGroup, place: ClusterPlace) -> GroupTarget:
    hosts = _hosts(wanted, place)
    vms = _vms(wanted.vms, place, wanted.option, may_be_gone=wanted.mode == REMOVE)
    return GroupTarget(wanted.name, wanted.present, wanted.type, hosts | vms, wanted.mode)


def _hosts(wanted: WantedGroup, place: ClusterPlace) -> frozenset[str]:
    options = {f"{wanted.option}[{index}]": name for index, name in enumerate(wanted.hosts)}
    hosts = [_host(name, place, option, may_be_gone=wanted.mode == REMOVE) for option, name in options.items()]
    return frozenset(host.moid for host in hosts if host is not None)


def _host(name: str, place: ClusterPlace, option: str, *, may_be_gone: bool) -> Entry | None:
    try:
        return place.inventory.host(name, cluster=place.cluster, what=option)
    except NotFoundError:
        if may_be_gone:
            return None
        raise


def _overrides(wanted: Sequence[WantedOverride], place: ClusterPlace) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for override in wanted:
        for vm in sorted(_vms(override.vms, place, override.option, may_be_gone=override.level is None)):
            if found.setdefault(vm, override.level) != override.level:
                raise GantryError(
                    f"{override.option} has {place.around.path(vm)}, which is in another override too. "
                    "Remove it from one of them."
                )
    return found


def _vms(
    selectors: Sequence[VmSelector], place: ClusterPlace, option: str, *, may_be_gone: bool = False
) -> frozenset[str]:
    """Return the MoIDs of the VMs; with ``may_be_gone``, VMs that no longer exist are left out."""
    planned = [one.value for one in selectors if _is_planned(one, place)]
    existing = [one for one in selectors if not _is_planned(one, place)]
    found = select_vms(place.inventory, existing, datacenter=place.datacenter, option=option, may_be_gone=may_be_gone)
    return frozenset(vm.moid for vm in found) | {place.planned[name] for name in planned}


def _is_planned(selector: VmSelector, place: ClusterPlace) -> bool:
    return selector.kind in ("name", "path") and selector.value in place.planned

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put the successor of a VM in its place in the DRS rules, the VM groups and the overrides of its cluster.

They name VMs and not containers. Without this, a replaced container would leave them when its old VM is removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import ContainerSubject
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.changes import (
    ChangeGroup,
    ChangeOverride,
    ChangeRule,
    RulesChange,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.decode import decode_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.encode import encode_changes
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    VM_RULES,
    ClusterRules,
    Override,
    Surroundings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Flow, Gather
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import read_config
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job, read_job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_Pair = tuple[str, str]


class _NotInRulesError(GantryError):
    """Another client has removed the VMs from the rules in the meantime."""


def succeed_in_rules(subject: ContainerSubject, old: Machine, new: Machine) -> Flow[None]:
    """Put the new VM in the place of the old one. A user who may not do so, or not read the rules, is warned."""
    cluster, session = old.cluster, subject.bench.session
    if cluster is None or new.cluster is None or new.cluster.moid != cluster.moid:
        return
    pair = (subject.moid(old), subject.moid(new))
    rules: ClusterRules | None = yield Gather(("rules", cluster.moid), None, lambda _items: _read(session, cluster))
    if rules is None:
        session.warn(
            f"Container {subject.name} is replaced, and leaves the DRS rules and groups of its VM if it has any: this "
            f"user may not read those of cluster {cluster.name}."
        )
        return
    if not _names(rules, pair[0]):
        return
    write = Gather(("successions", cluster.moid), pair, lambda pairs: _write(session, cluster, pairs), single=True)
    try:
        yield write
    except _NotInRulesError:
        return
    except FaultError as error:
        if error.kind != "NoPermission":
            raise
        left = listed(_names(rules, pair[0]))
        session.warn(
            f"Container {subject.name} is replaced and leaves {left} of cluster {cluster.name}, because this user "
            "lacks Host.Inventory.EditCluster on the cluster. Put its new VM there again, with drs_ruleset or in the "
            "vSphere Client."
        )


def _read(session: Session, cluster: Entry) -> Job:
    """Return the read of the rules, whose result is None if this user may not read them."""

    def read() -> ClusterRules | None:
        rows = session.read([cluster.ref], ["configurationEx"])
        return decode_rules(rows[0]["configurationEx"]) if rows and "configurationEx" in rows[0] else None

    return read_job(f"rules of {cluster.name}", read)


def _write(session: Session, cluster: Entry, pairs: Sequence[_Pair]) -> Job:
    """Return the one write for several VMs. It reads again, since others may have written in the meantime."""

    def start() -> Any:
        changes = list(_successions(decode_rules(read_config(session, cluster)), pairs))
        if not changes:
            raise _NotInRulesError(f"No rule of {cluster.name} has these VMs.")
        return cluster.ref.ReconfigureComputeResource_Task(encode_changes(session, changes), True)

    return Job(cluster.name, "reconfigure", start)


def _successions(rules: ClusterRules, pairs: Sequence[_Pair]) -> Iterator[RulesChange]:
    """Yield the changes after which the rules have the new VMs instead of the old ones."""
    heirs: Mapping[str, str] = dict(pairs)
    around = Surroundings("")

    def succeeded(vms: frozenset[str]) -> frozenset[str]:
        return frozenset(heirs.get(vm, vm) for vm in vms)

    for group in rules.groups.values():
        if succeeded(group.members) != group.members:
            yield ChangeGroup(around, group, replace(group, members=succeeded(group.members)))
    for rule in rules.rules.values():
        if rule.type in VM_RULES and succeeded(rule.vms) != rule.vms:
            yield ChangeRule(around, rule, replace(rule, vms=succeeded(rule.vms)))
    for old, new in pairs:
        if old in rules.overrides and new not in rules.overrides:
            yield ChangeOverride(around, None, Override(new, rules.overrides[old].level))


def _names(rules: ClusterRules, vm: str) -> list[str]:
    """Return where a VM is named, for messages."""
    groups = [f"the group {one.name}" for one in rules.groups.values() if vm in one.members]
    own = [f"the rule {one.name}" for one in rules.rules.values() if one.type in VM_RULES and vm in one.vms]
    return [*groups, *own, *(["its override"] if vm in rules.overrides else [])]

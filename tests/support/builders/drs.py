# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small cluster, what tasks may ask of it, and strategies for both."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    AUTOMATION_LEVELS,
    DEPENDENCY,
    DISABLED,
    HOST,
    HOST_AFFINITY,
    HOST_RULES,
    MEMBERS_MODES,
    OPERANDS_OF,
    RULE_TYPES,
    VM,
    VM_RULES,
    ClusterRules,
    Group,
    GroupTarget,
    Override,
    Rule,
    RuleHost,
    RulesetTarget,
    RuleTarget,
    RuleVm,
    Surroundings,
)

VMS = [f"vm-{number}" for number in range(6)]
HOSTS = [f"host-{number}" for number in range(4)]


def surroundings(*, down: str | None = None, places: dict[str, str] | None = None) -> Surroundings:
    """Six VMs, four hosts. ``down`` is a host in maintenance mode, ``places`` say which VMs are on, and where."""
    where = places or {}
    hosts = {
        moid: RuleHost(moid, moid, f"/DC0/host/C0/{moid}", "in maintenance mode" if moid == down else None)
        for moid in HOSTS
    }
    vms = {moid: RuleVm(moid, moid, f"/DC0/vm/{moid}", where.get(moid, HOSTS[0]), moid in where) for moid in VMS}
    paths = {one.moid: one.path for one in (*hosts.values(), *vms.values())}
    return Surroundings("/DC0/host/C0", hosts, vms, {**paths, "vm-out": "/DC0/vm/vm-out"})


AROUND = surroundings()


def group(name: str, *members: str) -> Group:
    return Group(name, HOST if members and members[0].startswith("host") else VM, frozenset(members))


def between(name: str, kind: str, *vms: str, **fields: Any) -> Rule:
    return Rule(name, kind, vms=frozenset(vms), **fields)


def bound(name: str, kind: str = HOST_AFFINITY, *, vms: str = "v", hosts: str = "h", **fields: Any) -> Rule:
    return Rule(name, kind, vm_group=vms, host_group=hosts, **fields)


def cluster(*things: Group | Rule | Override) -> ClusterRules:
    return ClusterRules(
        groups={one.name: one for one in things if isinstance(one, Group)},
        rules={one.name: one for one in things if isinstance(one, Rule)},
        overrides={one.vm: one for one in things if isinstance(one, Override)},
    )


def params(spec: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return a task's parameters as AnsibleModule would pass them."""
    result = ArgumentSpecValidator(spec).validate(options)
    assert not result.error_messages, result.error_messages
    return dict(result.validated_parameters)


# -- strategies

_vm_sets = st.frozensets(st.sampled_from(VMS), min_size=1)
_host_sets = st.frozensets(st.sampled_from(HOSTS), min_size=1)
_flags = st.booleans()
# Few names, so that what is asked for often meets what is there; each group's name has one type that rules know.
_VM_GROUPS = ["va", "vb"]
_HOST_GROUPS = ["ha", "hb"]
_RULES = ["ra", "rb", "own-r"]


@st.composite
def clusters(draw: st.DrawFn) -> ClusterRules:
    """Rules that vCenter could hold: what they are about is there."""
    groups = [Group(name, VM, draw(_vm_sets)) for name in draw(st.sets(st.sampled_from([*_VM_GROUPS, "own-g"])))]
    groups += [Group(name, HOST, draw(_host_sets)) for name in draw(st.sets(st.sampled_from(_HOST_GROUPS)))]
    names = {kind: [one.name for one in groups if one.type == kind] for kind in (VM, HOST)}
    rules = []
    for number, name in enumerate(draw(st.sets(st.sampled_from(_RULES)))):
        kind = draw(st.sampled_from(RULE_TYPES))
        fields: dict[str, Any] = {"enabled": draw(_flags), "key": number + 1}
        if kind in VM_RULES:
            fields["vms"] = draw(st.frozensets(st.sampled_from(VMS), min_size=2))
        elif kind in HOST_RULES and names[VM] and names[HOST]:
            fields["vm_group"] = draw(st.sampled_from(names[VM]))
            fields["host_group"] = draw(st.sampled_from(names[HOST]))
            fields["mandatory"] = draw(_flags)
        elif kind == DEPENDENCY and len(names[VM]) > 1:
            fields["vm_group"], fields["depends_on"] = draw(st.permutations(names[VM]))[:2]
        else:
            continue
        rules.append(Rule(name, kind, **fields))
    overrides = [Override(vm, draw(_levels)) for vm in draw(st.sets(st.sampled_from(VMS[:3])))]
    return cluster(*groups, *rules, *overrides)


_levels = st.sampled_from([*AUTOMATION_LEVELS, DISABLED])


@st.composite
def group_targets(draw: st.DrawFn, name: str) -> GroupTarget:
    kind = HOST if name in _HOST_GROUPS else VM
    if not draw(st.integers(0, 4)):
        return GroupTarget(name, present=False)
    members = draw(_host_sets if kind == HOST else _vm_sets)
    return GroupTarget(name, True, kind, members, draw(st.sampled_from(MEMBERS_MODES)))


@st.composite
def rule_targets(draw: st.DrawFn, name: str) -> RuleTarget:
    if not draw(st.integers(0, 4)):
        return RuleTarget(name, present=False)
    enabled = draw(st.sampled_from([None, True, False]))
    kind = draw(st.sampled_from([None, *RULE_TYPES]))
    if kind is None:
        return RuleTarget(name, True, enabled=enabled)
    possible: dict[str, Any] = {
        "vms": st.frozensets(st.sampled_from(VMS), min_size=2),
        "vm_group": st.just("va"),
        "host_group": st.sampled_from(_HOST_GROUPS),
        "depends_on": st.just("vb"),
    }
    fields = {name: draw(possible[name]) for name in OPERANDS_OF[kind]}
    return RuleTarget(name, True, kind, enabled, None if kind == DEPENDENCY else draw(_flags), **fields)


@st.composite
def targets(draw: st.DrawFn) -> RulesetTarget:
    groups = draw(st.sets(st.sampled_from([*_VM_GROUPS, *_HOST_GROUPS])))
    rules = draw(st.sets(st.sampled_from(_RULES[:2])))
    overrides = {vm: draw(st.one_of(st.none(), _levels)) for vm in draw(st.sets(st.sampled_from(VMS[:3])))}
    return RulesetTarget(
        groups=tuple(draw(group_targets(name)) for name in sorted(groups)),
        rules=tuple(draw(rule_targets(name)) for name in sorted(rules)),
        overrides=overrides,
        purge_prefix=draw(st.sampled_from([None, "own-"])),
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a diff shows of a container VM. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import IPV4, IPV6
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_hooks import HOOK_OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.networks import static_addresses

# Values of variables may be secrets; a diff only says that they differ.
_HIDDEN_BEFORE = "(value not shown)"
_HIDDEN_AFTER = "(another value, not shown)"
_ENABLED, _DISABLED, _OTHER_KEY = "enabled", "disabled", "enabled with another guest_key"


def machine_view(machine: Machine) -> dict[str, Any]:
    """Return a machine as a diff shows it: its recorded configuration, and the VM's real sizes."""
    view = {key: value for key, value in (machine.config or {}).items() if key != "env"}
    view |= {option: _hook_views((), view[option])[1] for option in HOOK_OPTIONS if view.get(option)}
    view.update(
        image=machine.image,
        image_digest=machine.digest,
        memory=machine.memory_mb * MIB,
        cpus=machine.cpus,
        cpu_hot_add_enabled=machine.hot_add.cpus,
        memory_hot_add_enabled=machine.hot_add.memory,
        **machine.allocation,
        scratch_size=machine.scratch_bytes,
        firmware=machine.firmware,
        secure_boot=machine.secure_boot,
        boot_order=list(machine.boot_order),
        bootstrap_connected=machine.bootstrap_connected,
        bootstrap_missing=machine.bootstrap_missing,
        disk_uuid=machine.disk_uuid,
        notes=machine.notes,
        folder=machine.folder_path,
        resource_pool=None if machine.pool is None else machine.pool.name,
        datastore=None if machine.datastore is None else machine.datastore.name,
        bootstrap=machine.bootstrap,
        guest_operations=_DISABLED if machine.guest_operations is None else _ENABLED,
        configured_addresses=static_addresses(machine.document, IPV4),
        configured_ipv6_addresses=static_addresses(machine.document, IPV6),
        network_adapters=[
            {
                "network": adapter.network_name or adapter.network,
                "mac_address": adapter.mac,
                "connected": adapter.connected,
            }
            for adapter in machine.adapters
        ],
    )
    return view


def differing_views(machine: Machine, target: Machine) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what differs, before and after, as the user sees it, without the values of variables and secrets."""
    old, new = machine_view(machine), machine_view(target)
    before, after = {}, {}
    for key in {**old, **new}:
        if old.get(key) != new.get(key):
            before[key], after[key] = old.get(key), new.get(key)
    recorded, wanted = machine.config or {}, target.config or {}
    for option in HOOK_OPTIONS:
        if recorded.get(option) != wanted.get(option):
            before[option], after[option] = _hook_views(recorded.get(option) or (), wanted.get(option) or ())
    hidden_before, hidden_after = _env_views(recorded.get("env") or {}, wanted.get("env") or {})
    if hidden_before != hidden_after:
        before["env"], after["env"] = hidden_before, hidden_after
    if machine.guest_operations and target.guest_operations and machine.guest_operations != target.guest_operations:
        before["guest_operations"], after["guest_operations"] = _ENABLED, _OTHER_KEY
    if machine.start_pending != target.start_pending:
        before["start_pending"], after["start_pending"] = machine.start_pending, target.start_pending
    if not after:
        # The keys were changed by hand, or by an earlier version in another form.
        before["record"], after["record"] = "differs from the configuration", "as configured"
    return before, after


def _hook_views(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return commands of a container, before and after, with the variables that differ and without their values."""
    none: Mapping[str, Any] = {"env": {}}
    envs = [_env_views(old["env"], new["env"]) for old, new in zip_longest(before, after, fillvalue=none)]
    return (
        [{**hook, "env": hidden} for hook, (hidden, _after) in zip(before, envs, strict=False)],
        [{**hook, "env": hidden} for hook, (_before, hidden) in zip(after, envs, strict=False)],
    )


def _env_views(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return which environment variables differ, before and after, without their values."""
    hidden_before = {name: _HIDDEN_BEFORE for name in before if before.get(name) != after.get(name)}
    hidden_after = {
        name: _HIDDEN_AFTER if name in before else _HIDDEN_BEFORE
        for name in after
        if before.get(name) != after.get(name)
    }
    return hidden_before, hidden_after

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of one container, as Ansible checks them; whatever is not here is refused."""

from __future__ import annotations

from typing import Any

STATES = ["present", "started", "healthy", "stopped", "absent"]
RESTART_POLICIES = ["no", "on-failure", "always", "unless-stopped"]


def config_argument_spec() -> dict[str, dict[str, Any]]:
    """What the container is. No defaults here: an option that is not given must be told from one that is."""
    return {
        "image": {"type": "str"},
        "command": {"type": "raw"},
        "entrypoint": {"type": "list", "elements": "str"},
        "env": {"type": "dict"},
        "labels": {"type": "dict"},
        "user": {"type": "str"},
        "groups": {"type": "list", "elements": "str"},
        "working_dir": {"type": "str"},
        "container_hostname": {"type": "str"},
        "memory": {"type": "str"},
        "cpus": {"type": "int"},
        "networks": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "ipv4_address": {"type": "str"},
                "gateway": {"type": "str"},
                "mac_address": {"type": "str"},
            },
        },
        "dns_servers": {"type": "list", "elements": "str"},
        "dns_search_domains": {"type": "list", "elements": "str"},
        "dns_opts": {"type": "list", "elements": "str"},
        "etc_hosts": {"type": "dict"},
        "restart_policy": {"type": "str", "choices": RESTART_POLICIES},
        "restart_retries": {"type": "int"},
        "healthcheck": {
            "type": "dict",
            "options": {
                "test": {"type": "raw"},
                "interval": {"type": "str"},
                "timeout": {"type": "str"},
                "retries": {"type": "int"},
                "start_period": {"type": "str"},
                "start_interval": {"type": "str"},
            },
        },
        "stop_signal": {"type": "str"},
        "stop_timeout": {"type": "int"},
        "read_only": {"type": "bool"},
        "writable": {"type": "str", "choices": ["disk", "tmpfs"]},
        "scratch_size": {"type": "str"},
        "tmpfs": {"type": "list", "elements": "str"},
        "capabilities": {"type": "list", "elements": "str"},
        "cap_drop": {"type": "list", "elements": "str"},
        "log_max_size": {"type": "str"},
    }


def placement_argument_spec() -> dict[str, dict[str, Any]]:
    """Where the container is."""
    return {
        "datacenter": {"type": "str"},
        "cluster": {"type": "str"},
        "resource_pool": {"type": "str"},
        "folder": {"type": "str"},
        "datastore": {"type": "str"},
        "bootstrap": {"type": "str"},
        "placement_drift": {"type": "str", "choices": ["relocate", "warn", "ignore"], "default": "warn"},
    }


def container_argument_spec() -> dict[str, dict[str, Any]]:
    """The options of container_vm besides those of the connection."""
    return {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": STATES, "default": "started"},
        **config_argument_spec(),
        **placement_argument_spec(),
        "notes": {"type": "str", "aliases": ["annotation"]},
        "recreate": {"type": "bool", "default": False},
        "force_kill": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 300},
    }


def info_argument_spec() -> dict[str, dict[str, Any]]:
    """The options of container_vm_info besides those of the connection."""
    return {
        "name": {"type": "list", "elements": "str", "aliases": ["names"]},
        "labels": {"type": "dict"},
        "datacenter": {"type": "str"},
        "folder": {"type": "str"},
        "logs": {"type": "bool", "default": False},
    }

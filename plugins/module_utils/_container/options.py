# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of one container. Any other option is refused.

An option of the container's configuration is one row of OPTIONS. The argument spec, the desired configuration, its
record, its comparison and its plain part of the guest document follow from the row. A new option is a row, its
documentation in plugins/modules/container_vm.py and, where the guest needs it, a field of the guest document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import env_fallback

from ansible_collections.gantry.vsphere.plugins.module_utils._container import options_allocation as allocation
from ansible_collections.gantry.vsphere.plugins.module_utils._container import options_files as files
from ansible_collections.gantry.vsphere.plugins.module_utils._container import options_kernel as kernel
from ansible_collections.gantry.vsphere.plugins.module_utils._container import options_logging as logging
from ansible_collections.gantry.vsphere.plugins.module_utils._container import options_mounts as mounts
from ansible_collections.gantry.vsphere.plugins.module_utils._container import options_parsers as parsers
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_hooks import HOOK_ARGUMENTS, hooks_of
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_networks import parse_networks
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_ports import parse_published_ports

# The values of placement_drift.
DRIFT_RELOCATE, DRIFT_WARN, DRIFT_IGNORE = "relocate", "warn", "ignore"
# The state of a container that is to run to its end.
COMPLETED = "completed"
STATES = ["present", "started", "healthy", "ready", COMPLETED, "stopped", "suspended", "absent"]

# When a change takes effect: while the container runs, after a restart of the VM, or in a new VM.
LIVE = "live"
RESTART = "restart"
REPLACE = "replace"

# Converts the given value (or the default) and all parameters to the option's value.
Parser = Callable[[Any, Mapping[str, Any]], Any]


@dataclass(frozen=True)
class ContainerOption:
    """One option of a container's configuration."""

    name: str
    argument: Mapping[str, Any]
    parse: Parser
    # The default in the form that a user writes; None leaves it to the image or the guest.
    default: Any = None
    effect: str = RESTART
    # The place of the value in the guest document; empty if it is not there or is merged with the image's.
    guest: tuple[str, ...] = ()
    # Whether an empty value is left out of the guest document, which earlier bootstraps know without this field.
    omit_empty: bool = False

    def value(self, params: Mapping[str, Any]) -> Any:
        given = params[self.name]
        return self.parse(self.default if given is None else given, params)


def _option(name: str, kind: str, parse: Parser, **more: Any) -> ContainerOption:
    known = {key: more.pop(key) for key in ("default", "effect", "guest", "omit_empty") if key in more}
    return ContainerOption(name=name, argument={"type": kind, **more}, parse=parse, **known)


_STRINGS = {"elements": "str"}

OPTIONS: tuple[ContainerOption, ...] = (
    _option("image", "str", parsers.parse_image, effect=REPLACE),
    _option("command", "raw", parsers.parse_command),
    _option("entrypoint", "list", parsers.parse_optional_list, **_STRINGS),
    _option("env", "dict", parsers.parse_env),
    _option("labels", "dict", parsers.parse_labels, effect=LIVE),
    _option("user", "str", parsers.as_given),
    _option("groups", "list", parsers.parse_list, **_STRINGS, guest=("process", "groups")),
    _option("working_dir", "str", parsers.parse_working_dir),
    _option("container_hostname", "str", parsers.parse_hostname, guest=("hostname",)),
    _option("memory", "str", parsers.parse_memory, default="256M"),
    _option("cpus", "int", parsers.number_from(1, "cpus"), default=1),
    _option("cpu_hot_add", "bool", parsers.as_given, default=False, effect=LIVE),
    _option("memory_hot_add", "bool", parsers.as_given, default=False, effect=LIVE),
    _option("cpu_reservation", "int", allocation.parse_cpu_reservation, effect=LIVE),
    _option("cpu_limit", "str", allocation.parse_cpu_limit, effect=LIVE),
    _option("cpu_shares", "str", allocation.parse_cpu_shares, effect=LIVE),
    _option("memory_reservation", "str", allocation.parse_memory_reservation, effect=LIVE),
    _option("memory_limit", "str", allocation.parse_memory_limit, effect=LIVE),
    _option("memory_shares", "str", allocation.parse_memory_shares, effect=LIVE),
    _option(
        "networks",
        "list",
        parse_networks,
        default=({"name": "VM Network"},),
        elements="dict",
        options={
            "name": {"type": "str", "required": True},
            "ipv4_address": {"type": "str"},
            "gateway": {"type": "str"},
            "ipv6_address": {"type": "str"},
            "ipv6_gateway": {"type": "str"},
            "mac_address": {"type": "str"},
            "aliases": {"type": "list", "elements": "str"},
        },
    ),
    _option("published_ports", "list", parse_published_ports, effect=LIVE, **_STRINGS, aliases=["ports"]),
    _option("dns_servers", "list", parsers.parse_dns_servers, **_STRINGS, guest=("dns", "servers")),
    _option("dns_search_domains", "list", parsers.words_of("dns_search_domains"), **_STRINGS, guest=("dns", "search")),
    _option("dns_opts", "list", parsers.words_of("dns_opts"), **_STRINGS, guest=("dns", "options")),
    _option("etc_hosts", "dict", parsers.parse_etc_hosts, guest=("hosts",)),
    _option(
        "restart_policy",
        "str",
        parsers.as_given,
        default="no",
        effect=LIVE,
        choices=["no", "on-failure", "always", "unless-stopped"],
        guest=("restart", "policy"),
    ),
    _option(
        "restart_retries",
        "int",
        parsers.parse_restart_retries,
        default=0,
        effect=LIVE,
        guest=("restart", "max_retries"),
    ),
    _option(
        "healthcheck",
        "dict",
        parsers.parse_healthcheck,
        options={
            "test": {"type": "raw"},
            "interval": {"type": "str"},
            "timeout": {"type": "str"},
            "retries": {"type": "int"},
            "start_period": {"type": "str"},
            "start_interval": {"type": "str"},
        },
    ),
    _option("post_start", "list", hooks_of("post_start"), elements="dict", options=HOOK_ARGUMENTS),
    _option("pre_stop", "list", hooks_of("pre_stop"), elements="dict", options=HOOK_ARGUMENTS),
    _option("stop_signal", "str", parsers.parse_stop_signal),
    _option("stop_timeout", "int", parsers.number_from(0, "stop_timeout"), default=10, guest=("stop", "timeout")),
    _option("read_only", "bool", parsers.as_given, default=False, effect=REPLACE, guest=("root", "read_only")),
    _option("writable", "str", parsers.as_given, default="disk", effect=REPLACE, choices=["disk", "tmpfs"]),
    _option("scratch_size", "str", parsers.parse_scratch_size, effect=REPLACE),
    _option("tmpfs", "list", mounts.parse_tmpfs, **_STRINGS),
    _option("volumes", "list", mounts.parse_volumes, **_STRINGS),
    _option(
        "mounts",
        "list",
        mounts.parse_mounts,
        elements="dict",
        options={
            "type": {"type": "str", "choices": ["volume", "tmpfs", "bind"], "default": "volume"},
            "source": {"type": "str"},
            "target": {"type": "str", "required": True},
            "read_only": {"type": "bool"},
            "no_copy": {"type": "bool"},
            "volume_driver": {"type": "str"},
            "volume_options": {"type": "dict"},
            "tmpfs_size": {"type": "str"},
            "tmpfs_mode": {"type": "str"},
        },
    ),
    _option("files", "list", files.parse_files, elements="dict", options=files.FILE_ARGUMENTS),
    _option(
        # Their contents are not logged; their names and targets are.
        "secrets",
        "list",
        files.parse_secrets,
        elements="dict",
        options=files.SECRET_ARGUMENTS,
        no_log=False,
    ),
    _option("shm_size", "str", parsers.size_from(4096, "shm_size"), default="64M", guest=("shm_size",)),
    _option("capabilities", "list", parsers.capabilities_of("capabilities"), **_STRINGS),
    _option("cap_drop", "list", parsers.capabilities_of("cap_drop"), **_STRINGS),
    _option("init", "bool", parsers.as_given, default=False, guest=("process", "init"), omit_empty=True),
    _option("ulimits", "list", kernel.parse_ulimits, **_STRINGS, guest=("process", "ulimits"), omit_empty=True),
    _option("sysctls", "dict", kernel.parse_sysctls, guest=("sysctls",), omit_empty=True),
    _option("log_driver", "str", parsers.as_given, default=logging.DRIVER_FILE, choices=logging.LOG_DRIVERS),
    _option("log_options", "dict", logging.parse_log_options, guest=("log", "syslog"), omit_empty=True),
    _option(
        "log_max_size",
        "str",
        parsers.size_from(parsers.MIN_LOG, "log_max_size"),
        default="1M",
        guest=("log", "max_bytes"),
    ),
)


def config_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of the configuration, without defaults, which would hide that an option is not given."""
    return {option.name: dict(option.argument) for option in OPTIONS}


def placement_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options for the container's placement."""
    return {
        "datacenter": {"type": "str"},
        "cluster": {"type": "str"},
        "resource_pool": {"type": "str"},
        "folder": {"type": "str"},
        "datastore": {"type": "str"},
        "bootstrap": {"type": "str"},
        "placement_drift": {
            "type": "str",
            "choices": [DRIFT_RELOCATE, DRIFT_WARN, DRIFT_IGNORE],
            "default": DRIFT_WARN,
        },
    }


def guest_key_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the option for the key of guest operations, which several modules share."""
    return {"guest_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["GANTRY_GUEST_KEY"])}}


def container_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of container_vm besides those of the connection."""
    return {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": STATES, "default": "started"},
        **config_argument_spec(),
        "env_file": {"type": "str"},
        "env_file_content": {"type": "str", "no_log": True},
        **placement_argument_spec(),
        "guest_operations": {"type": "bool"},
        **guest_key_argument_spec(),
        "notes": {"type": "str", "aliases": ["annotation"]},
        "comparisons": {"type": "dict"},
        "recreate": {"type": "bool", "default": False},
        "restart": {"type": "bool", "default": False},
        "force_kill": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 300},
        "healthy_wait_timeout": {"type": "int"},
    }


def info_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of container_vm_info besides those of the connection."""
    return {
        "name": {"type": "list", "elements": "str", "aliases": ["names"]},
        "labels": {"type": "dict"},
        "datacenter": {"type": "str"},
        "folder": {"type": "str"},
        "logs": {"type": "bool", "default": False},
        "exit_from_disk": {"type": "bool", "default": False},
        "usage_minutes": {"type": "int", "default": 0},
        "events": {"type": "int", "default": 0},
    }

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Translate a service of the canonical model to the options of container_vm. Pure.

What an attribute can say, but a container VM cannot be, is refused here by its path; attributes that are refused as
such are found by the table before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.refusals import Refusals

# The condition of deploy.restart_policy in the words of restart.
_CONDITIONS = {"none": "no", "on-failure": "on-failure", "any": "always"}
_ENDLESS = "on-failure:"
_KEPT_LOGS = frozenset({"", "json-file", "local"})
_HOST_GATEWAY = "host-gateway"
_PLATFORMS = frozenset({"linux/amd64", "linux/x86_64", "linux"})
_HEALTH_FIELDS = ("test", "interval", "timeout", "retries", "start_period", "start_interval")


def process_options(service: Mapping[str, Any], refusals: Refusals) -> dict[str, Any]:
    """Return the options of the process, its kernel and its log."""
    translated: dict[str, Callable[[Any], Any]] = {
        "image": str,
        "command": list,
        "entrypoint": list,
        "environment": _environment,
        "labels": dict,
        "user": str,
        "group_add": lambda value: [str(one) for one in value],
        "working_dir": str,
        "hostname": str,
        "dns": list,
        "dns_search": list,
        "dns_opt": list,
        "cap_add": list,
        "cap_drop": list,
        "init": bool,
        "read_only": bool,
        "shm_size": str,
        "stop_signal": str,
        "sysctls": dict,
        "ulimits": _ulimits,
    }
    options = {
        _NAMES.get(key, key): translate(service[key])
        for key, translate in translated.items()
        if service.get(key) is not None
    }
    if service.get("stop_grace_period"):
        options["stop_timeout"] = math.ceil(seconds(service["stop_grace_period"]))
    if service.get("extra_hosts"):
        options["etc_hosts"] = _hosts(service["extra_hosts"], refusals)
    if service.get("healthcheck"):
        options["healthcheck"] = _healthcheck(service["healthcheck"])
    if service.get("platform") and service["platform"] not in _PLATFORMS:
        refusals.add(("platform",), f"The platform {service['platform']} is not one of a virtual machine of vSphere.")
    return {**options, **_restart(service), **_logging(service, refusals), **_storage(service, refusals)}


_NAMES = {
    "environment": "env",
    "group_add": "groups",
    "hostname": "container_hostname",
    "dns": "dns_servers",
    "dns_search": "dns_search_domains",
    "dns_opt": "dns_opts",
    "cap_add": "capabilities",
}


def resource_options(service: Mapping[str, Any]) -> dict[str, Any]:
    """Return the size of the VM, and its share of the resources."""
    resources = (service.get("deploy") or {}).get("resources") or {}
    limits, reservations = resources.get("limits") or {}, resources.get("reservations") or {}
    options: dict[str, Any] = {}
    cpus = limits.get("cpus") or service.get("cpus")
    if cpus:
        options["cpus"] = max(1, math.ceil(float(cpus)))
    memory = limits.get("memory") or service.get("mem_limit")
    if memory:
        options["memory"] = _mebibytes(memory)
    reserved = reservations.get("memory") or service.get("mem_reservation")
    if reserved:
        options["memory_reservation"] = _mebibytes(reserved)
    if service.get("cpu_shares"):
        options["cpu_shares"] = str(service["cpu_shares"])
    return options


def published_ports(service: Mapping[str, Any]) -> list[str]:
    """Return the ports as published_ports of container_vm has them. Those without a published port need nothing."""
    return [
        f"{port.get('published') or port['target']}:{port['target']}/{port.get('protocol') or 'tcp'}"
        for port in service.get("ports") or ()
    ]


def _environment(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables. Those that have no value in the environment of the task are not set, as in Docker."""
    return {name: str(value) for name, value in values.items() if value is not None}


def _ulimits(values: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}:{limit['soft']}:{limit['hard']}" if isinstance(limit, Mapping) else f"{name}:{limit}"
        for name, limit in sorted(values.items())
    ]


def _hosts(lines: Sequence[str], refusals: Refusals) -> dict[str, str]:
    hosts = {}
    for line in lines:
        name, _equals, address = line.partition("=")
        if address == _HOST_GATEWAY:
            refusals.add(("extra_hosts",), f"{name} is to be the gateway of the host, and a container VM has no host.")
        hosts[name] = address
    return hosts


def _healthcheck(values: Mapping[str, Any]) -> dict[str, Any]:
    if values.get("disable"):
        return {"test": ["NONE"]}
    return {field: values[field] for field in _HEALTH_FIELDS if values.get(field) is not None}


def _restart(service: Mapping[str, Any]) -> dict[str, Any]:
    policy = (service.get("deploy") or {}).get("restart_policy")
    if policy:
        options: dict[str, Any] = {"restart_policy": _CONDITIONS[policy.get("condition") or "any"]}
        return {**options, "restart_retries": policy["max_attempts"]} if policy.get("max_attempts") else options
    restart = str(service.get("restart") or "")
    if restart.startswith(_ENDLESS):
        return {"restart_policy": "on-failure", "restart_retries": int(restart.removeprefix(_ENDLESS))}
    return {"restart_policy": restart} if restart else {}


def _logging(service: Mapping[str, Any], refusals: Refusals) -> dict[str, Any]:
    given = service.get("logging") or {}
    driver, values = given.get("driver") or "", dict(given.get("options") or {})
    options: dict[str, Any] = {}
    size = values.pop("max-size", None)
    if size:
        options["log_max_size"] = size
    if driver in _KEPT_LOGS:
        for name in sorted(set(values) - {"max-file", "compress", "mode", "max-buffer-size"}):
            refusals.add(
                ("logging", "options", name), f"The log driver {driver or 'json-file'} has no option {name} here."
            )
    elif driver == "syslog":
        options |= {"log_driver": driver, "log_options": values}
    else:
        refusals.add(
            ("logging", "driver"), f"The log driver {driver} is not supported. Give syslog, json-file or local."
        )
    return options


def _storage(service: Mapping[str, Any], refusals: Refusals) -> dict[str, Any]:
    given = dict(service.get("storage_opt") or {})
    size = given.pop("size", None)
    for name in sorted(given):
        refusals.add(
            ("storage_opt", name), f"{name} is an option of a storage driver of Docker. Only size is supported."
        )
    return {} if size is None else {"scratch_size": size}


def _mebibytes(size: str | int) -> str:
    """Return bytes as whole MiB, rounded up, which vSphere counts in."""
    return f"{math.ceil(int(size) / MIB)}M"


def seconds(duration: str) -> float:
    """Return the seconds of a duration in the canonical model, such as 1m30s."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
    total, number, unit = 0.0, "", ""
    for letter in [*duration, "0"]:
        if letter.isdigit() or letter == ".":
            if unit:
                total += float(number) * units[unit]
                number, unit = "", ""
            number += letter
        else:
            unit += letter
    return total

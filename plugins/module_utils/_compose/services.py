# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Translate a service of the canonical model to the options of container_vm. Pure.

Values that a container VM cannot have are refused here. The table in attributes.py has the attributes that are refused
whatever their value is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.refusals import Refusals

# The condition of deploy.restart_policy in the words of restart.
_CONDITIONS = {"none": "no", "on-failure": "on-failure", "any": "always"}
_ON_FAILURE = "on-failure"
_RESTARTS = frozenset({"", "no", "always", "unless-stopped", _ON_FAILURE})
_WHOLE_NUMBER = re.compile("[0-9]+")
_KEPT_LOGS = frozenset({"", "json-file", "local"})
_HOST_GATEWAY = "host-gateway"
_PLATFORMS = frozenset({"linux/amd64", "linux/x86_64", "linux"})
# The memory of a VM is a multiple of so many MiB.
_MEMORY_STEP = 4
# A limit that is lower than the memory of the smallest VM, in MiB, gives the container that VM.
_LEAST_MEMORY = 96
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
    for option in ("post_start", "pre_stop"):
        if service.get(option):
            options[option] = [_hook(one) for one in service[option]]
    if service.get("platform") and service["platform"] not in _PLATFORMS:
        refusals.add(("platform",), f"The platform {service['platform']} is not one of a virtual machine of vSphere.")
    return {**options, **_restart(service, refusals), **_logging(service, refusals), **_storage(service, refusals)}


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
        options["memory"] = _mebibytes(max(int(memory), _LEAST_MEMORY * MIB), _MEMORY_STEP)
    reserved = reservations.get("memory") or service.get("mem_reservation")
    if reserved:
        options["memory_reservation"] = _mebibytes(reserved)
    if service.get("cpu_shares"):
        options["cpu_shares"] = str(service["cpu_shares"])
    return options


def published_ports(service: Mapping[str, Any]) -> list[str]:
    """Return the ports as published_ports of container_vm. A port that is not published has its own number."""
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
    hosts: dict[str, str] = {}
    for line in lines:
        name, _equals, address = line.partition("=")
        if address == _HOST_GATEWAY:
            refusals.add(("extra_hosts",), f"{name} would be the gateway of the host, and a container VM has no host.")
        elif hosts.setdefault(name, address) != address:
            refusals.add(("extra_hosts",), f"{name} has several addresses. Give each name a single one.")
    return hosts


def _healthcheck(values: Mapping[str, Any]) -> dict[str, Any]:
    if values.get("disable"):
        return {"test": ["NONE"]}
    return {field: values[field] for field in _HEALTH_FIELDS if values.get(field) is not None}


def _hook(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a command that runs after the start or before the stop of a container."""
    hook: dict[str, Any] = {"command": list(values.get("command") or ())}
    if values.get("environment"):
        hook["env"] = _environment(values["environment"])
    return {**hook, **{field: values[field] for field in ("user", "working_dir") if values.get(field)}}


def _restart(service: Mapping[str, Any], refusals: Refusals) -> dict[str, Any]:
    policy = (service.get("deploy") or {}).get("restart_policy")
    if policy:
        return _restart_of_swarm(policy, refusals.within("deploy", "restart_policy"))
    restart, _colon, retries = str(service.get("restart") or "").partition(":")
    if restart not in _RESTARTS:
        refusals.add(("restart",), f"There is no {restart}. Give no, on-failure, always or unless-stopped.")
        return {}
    if retries and (restart != _ON_FAILURE or not _WHOLE_NUMBER.fullmatch(retries)):
        refusals.add(("restart",), f"It is {service['restart']}. A number of restarts is given as on-failure:3.")
        return {}
    options: dict[str, Any] = {"restart_policy": restart} if restart else {}
    return {**options, "restart_retries": int(retries)} if retries else options


def _restart_of_swarm(policy: Mapping[str, Any], refusals: Refusals) -> dict[str, Any]:
    condition, attempts = policy.get("condition") or "any", policy.get("max_attempts")
    if condition not in _CONDITIONS:
        refusals.add(("condition",), f"There is no {condition}. Give none, on-failure or any.")
        return {}
    options: dict[str, Any] = {"restart_policy": _CONDITIONS[condition]}
    if not attempts:
        return options
    if condition != _ON_FAILURE:
        refusals.add(("max_attempts",), "Only with the condition on-failure are restarts counted.")
        return options
    return {**options, "restart_retries": attempts}


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


def _mebibytes(size: str | int, step: int = 1) -> str:
    """Return bytes in MiB, rounded up to a multiple of the step."""
    return f"{math.ceil(int(size) / MIB / step) * step}M"


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

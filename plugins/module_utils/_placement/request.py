# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of vm_vmotion and what they ask for. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_strings
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import connection_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selecting import VmSelector, parse_selectors
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings

PRIORITIES = {"default": "defaultPriority", "high": "highPriority", "low": "lowPriority"}
PROVISIONING = ("thin", "thick", "eager_zeroed")
# The options that say where to, at the top or within destination_vcenter.
_PLACE = ("host", "cluster", "resource_pool", "datastore", "datastore_cluster")
_THUMBPRINT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Place:
    """Where to, by names, paths or MoIDs."""

    datacenter: str | None = None
    host: str | None = None
    cluster: str | None = None
    resource_pool: str | None = None
    datastore: str | None = None
    datastore_cluster: str | None = None
    folder: str | None = None
    networks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DiskWish:
    """One disk's own place; ``disk`` is its label or its device key."""

    disk: str | int
    datastore: str | None
    provisioning: str | None


@dataclass(frozen=True)
class VmotionRequest:
    selectors: tuple[VmSelector, ...]
    datacenter: str | None
    place: Place
    disks: tuple[DiskWish, ...] = ()
    priority: str = "default"
    mode: str = "any"
    precheck: str = "true"
    timeout: float = 3600.0
    destination: ConnectionSettings | None = None


def vmotion_argument_spec() -> dict[str, dict[str, Any]]:
    """The options of vm_vmotion besides those of the connection."""
    place: dict[str, dict[str, Any]] = {name: {"type": "str"} for name in _PLACE}
    connection = connection_argument_spec()
    # The environment holds the connection of the first vCenter; the second one's is always given.
    second = {
        name: {key: value for key, value in connection[name].items() if key != "fallback"}
        for name in ("hostname", "username", "password", "port", "validate_certs", "ca_path")
    }
    return {
        "vms": {"type": "list", "elements": "raw", "required": True},
        "datacenter": {"type": "str"},
        **place,
        "networks": {"type": "dict", "default": {}},
        "disks": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "label": {"type": "str"},
                "key": {"type": "int", "no_log": False},
                "datastore": {"type": "str"},
                "provisioning": {"type": "str", "choices": list(PROVISIONING)},
            },
            "mutually_exclusive": [["label", "key"]],
            "required_one_of": [["label", "key"]],
        },
        "priority": {"type": "str", "choices": list(PRIORITIES), "default": "default"},
        "mode": {"type": "str", "choices": ["any", "live", "cold"], "default": "any"},
        "precheck": {"type": "str", "choices": ["true", "false", "only"], "default": "true"},
        "timeout": {"type": "float", "default": 3600.0},
        "destination_vcenter": {
            "type": "dict",
            "options": {
                **second,
                **place,
                "datacenter": {"type": "str"},
                "folder": {"type": "str"},
                "networks": {"type": "dict", "default": {}},
                "thumbprint": {"type": "str"},
            },
        },
    }


def vmotion_request(params: Mapping[str, Any]) -> VmotionRequest:
    selectors = parse_selectors(params["vms"], "vms")
    if not selectors:
        raise GantryError("vms is empty. Say which VMs are to be moved.")
    if not params["timeout"] > 0:
        raise GantryError(f"timeout must be more than 0 seconds, not {params['timeout']}.")
    destination = params["destination_vcenter"]
    place = _place(params, "") if destination is None else _place(destination, "destination_vcenter.")
    disks = _disks(params["disks"], place)
    if destination is not None:
        _refuse_beside_destination(params)
    elif not (disks or place.networks or any(getattr(place, name) for name in _PLACE)):
        raise GantryError(
            f"Nothing says where to. Give at least one of {', '.join(_PLACE)}, disks, networks, destination_vcenter."
        )
    return VmotionRequest(
        selectors=selectors,
        datacenter=params["datacenter"],
        place=place,
        disks=disks,
        priority=params["priority"],
        mode=params["mode"],
        precheck=params["precheck"],
        timeout=params["timeout"],
        destination=None if destination is None else _settings(params, destination),
    )


def _place(options: Mapping[str, Any], prefix: str) -> Place:
    if options["datastore"] is not None and options["datastore_cluster"] is not None:
        raise GantryError(f"{prefix}datastore and {prefix}datastore_cluster exclude each other.")
    return Place(
        datacenter=options["datacenter"],
        folder=options.get("folder"),
        networks=parse_strings(options["networks"], f"{prefix}networks"),
        **{name: options[name] for name in _PLACE},
    )


def _disks(options: Sequence[Mapping[str, Any]], place: Place) -> tuple[DiskWish, ...]:
    wishes: dict[str | int, DiskWish] = {}
    for option in options:
        disk = option["label"] if option["label"] is not None else option["key"]
        if disk in wishes:
            raise GantryError(f"disks names the disk {disk!r} twice.")
        if option["datastore"] is None and (place.datastore or place.datastore_cluster) is None:
            raise GantryError(f"disks: {disk!r} has no datastore, and there is no datastore for all. Give one of them.")
        wishes[disk] = DiskWish(disk, option["datastore"], option["provisioning"])
    return tuple(wishes.values())


def _refuse_beside_destination(params: Mapping[str, Any]) -> None:
    beside = [name for name in (*_PLACE, "networks") if params[name]]
    if beside:
        raise GantryError(
            f"{', '.join(beside)} and destination_vcenter exclude each other: give these within destination_vcenter."
        )
    if params["destination_vcenter"]["host"] is None and params["destination_vcenter"]["cluster"] is None:
        raise GantryError("destination_vcenter needs a host or a cluster.")


def _settings(params: Mapping[str, Any], options: Mapping[str, Any]) -> ConnectionSettings:
    thumbprint = options["thumbprint"]
    if thumbprint is not None:
        thumbprint = thumbprint.replace(":", "").strip().lower()
        if _THUMBPRINT.fullmatch(thumbprint) is None:
            raise GantryError(
                "destination_vcenter.thumbprint is no thumbprint: give the SHA-256 (64 hexadecimal digits) or the "
                "SHA-1 (40) of the certificate, with or without colons."
            )
    elif not options["validate_certs"]:
        raise GantryError(
            "destination_vcenter has validate_certs false and no thumbprint. Both vCenters send credentials there, so "
            "give the thumbprint of its certificate, or have the certificate validated."
        )
    shared = ("proxy_host", "proxy_port", "connect_timeout", "request_timeout")
    return ConnectionSettings.from_params(
        {**options, **{name: params[name] for name in shared}, "thumbprint": thumbprint}
    )

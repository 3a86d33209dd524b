# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert the options of vm_vmotion to a request. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_strings
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selectors import parse_selectors
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import (
    DiskRequest,
    MoveDestination,
    VmotionRequest,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.options import DESTINATION

_THUMBPRINT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def desire_vmotion(params: Mapping[str, Any]) -> VmotionRequest:
    """Validate the options and return the request."""
    selectors = parse_selectors(params["vms"], "vms")
    if not selectors:
        raise GantryError("vms is empty. Select at least one VM to move.")
    if not params["timeout"] > 0:
        raise GantryError(f"timeout must be more than 0 seconds, not {params['timeout']}.")
    destination = params["destination_vcenter"]
    place = _place(params, "") if destination is None else _place(destination, "destination_vcenter.")
    disks = _disks(params["disks"], place)
    if destination is not None:
        _refuse_beside_destination(params)
    elif not (disks or place.network_mapping or any(getattr(place, name) for name in DESTINATION)):
        raise GantryError(
            f"No destination is given. Give at least one of {', '.join(DESTINATION)}, disks, network_mapping and "
            "destination_vcenter."
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


def _place(options: Mapping[str, Any], prefix: str) -> MoveDestination:
    if options["datastore"] is not None and options["datastore_cluster"] is not None:
        raise GantryError(f"{prefix}datastore and {prefix}datastore_cluster are mutually exclusive.")
    return MoveDestination(
        datacenter=options["datacenter"],
        folder=options.get("folder"),
        network_mapping=parse_strings(options["network_mapping"], f"{prefix}network_mapping"),
        **{name: options[name] for name in DESTINATION},
    )


def _disks(options: Sequence[Mapping[str, Any]], place: MoveDestination) -> tuple[DiskRequest, ...]:
    wishes: dict[str | int, DiskRequest] = {}
    for option in options:
        disk = option["label"] if option["label"] is not None else option["key"]
        if disk in wishes:
            raise GantryError(f"disks has the disk {disk!r} twice.")
        if option["datastore"] is None and (place.datastore or place.datastore_cluster) is None:
            raise GantryError(f"disks: {disk!r} has no datastore, and there is no datastore for all. Give one of them.")
        wishes[disk] = DiskRequest(disk, option["datastore"], option["provisioning"])
    return tuple(wishes.values())


def _refuse_beside_destination(params: Mapping[str, Any]) -> None:
    beside = [name for name in (*DESTINATION, "network_mapping") if params[name]]
    if beside:
        raise GantryError(
            f"{', '.join(beside)} and destination_vcenter are mutually exclusive. "
            "Give these options within destination_vcenter."
        )
    if params["destination_vcenter"]["host"] is None and params["destination_vcenter"]["cluster"] is None:
        raise GantryError("destination_vcenter requires a host or a cluster.")


def _settings(params: Mapping[str, Any], options: Mapping[str, Any]) -> ConnectionSettings:
    thumbprint = options["thumbprint"]
    if thumbprint is not None:
        thumbprint = thumbprint.replace(":", "").strip().lower()
        if _THUMBPRINT.fullmatch(thumbprint) is None:
            raise GantryError(
                "The thumbprint in destination_vcenter is not valid. Give the SHA-256 (64 hexadecimal digits) or "
                "the SHA-1 (40) thumbprint of the certificate, with or without colons."
            )
    elif not options["validate_certs"]:
        raise GantryError(
            "destination_vcenter has validate_certs false and no thumbprint. Both vCenters send credentials there, so "
            "give the thumbprint of its certificate, or set validate_certs: true."
        )
    shared = ("proxy_host", "proxy_port", "connect_timeout", "request_timeout")
    return ConnectionSettings.from_params(
        {**options, **{name: params[name] for name in shared}, "thumbprint": thumbprint}
    )

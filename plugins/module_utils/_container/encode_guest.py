# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encode the guest document: the image's and the container's configuration, merged as Docker merges them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import AssignedAddress
from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json
from ansible_collections.gantry.vsphere.plugins.module_utils._base.documents import Document
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_networks import (
    dns_servers,
    encode_network,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_config import Config
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import delivery, guest_key
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.document import (
    SCRATCH_UNIT,
    VERSION,
    is_health_test,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.linux import bounding_set, parse_signal
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.packing import check_fits
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.image_config import check_settings

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NANOSECONDS = 1e9
# Docker's defaults, in the seconds of the guest document.
_HEALTH_DEFAULTS = {"interval": 30, "timeout": 30, "retries": 3, "start_period": 0, "start_interval": 5}
_HEALTH_IMAGE_KEYS = {
    "interval": "Interval",
    "timeout": "Timeout",
    "retries": "Retries",
    "start_period": "StartPeriod",
    "start_interval": "StartInterval",
}


def encode_guest_document(
    name: str,
    config: Config,
    image_config: Mapping[str, Any],
    *,
    container_id: str,
    digest: str,
    disk: str,
    macs: tuple[str | None, ...],
    addresses: Sequence[AssignedAddress] = (),
    guest_operations: Mapping[str, str] | None = None,
    volumes: Sequence[Mapping[str, Any]] = (),
    files: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the guest document. ``macs`` are the adapters' MAC addresses, in the order of the networks, and
    ``addresses`` those of the networks' pools.

    ``guest_operations`` is what permits guest operations, or None. ``files`` announces the files, if there are any.
    """
    # The template's copy of the configuration may have been edited.
    check_settings(Document(image_config, f"The configuration of the image '{config.image}'", {"image": config.image}))
    document: dict[str, Any] = {
        "version": VERSION,
        "id": container_id,
        "name": name,
        "image": {"digest": digest, "disk": disk},
        "process": {
            "args": process_args(config, image_config),
            "env": process_env(config, image_config),
            "user": _own_or_image(config.values["user"], image_config.get("User")),
            # As in Docker, a relative directory of an image is below the root.
            "cwd": posixpath.join("/", config.values["working_dir"] or image_config.get("WorkingDir") or ""),
            "capabilities": bounding_set(config.values["capabilities"], config.values["cap_drop"]),
        },
        "networks": [
            {
                "mac": mac,
                **encode_network(network, {one.pool.version: one for one in addresses if one.network == index}),
            }
            for index, (network, mac) in enumerate(zip(config.networks, macs, strict=True))
        ],
        "root": _root(config),
        "tmpfs": [mount.document() for mount in config.tmpfs],
        "stop": {
            "signal": config.values["stop_signal"]
            or parse_signal(image_config.get("StopSignal") or "SIGTERM", f"The stop signal of image {config.image}"),
        },
        "healthcheck": healthcheck(config, image_config),
    }
    for place, value in config.guest_fields().items():
        _put(document, place, value)
    if config.redirects:
        document["redirects"] = config.redirects
    if config.hooks:
        document["hooks"] = config.hooks
    if config.nfs:
        document["nfs"] = [one.document() for one in config.nfs]
    if volumes:
        document["volumes"] = [dict(one) for one in volumes]
    if not document["dns"]["servers"]:
        document["dns"]["servers"] = dns_servers(addresses)
    if any(network.aliases is not None for network in config.networks):
        document["dns"]["names"] = True
    if guest_operations is not None:
        document[guest_key.FIELD] = dict(guest_operations)
    if files is not None:
        document[delivery.FIELD] = dict(files)
    check_fits(
        canonical_json(document),
        f"The configuration of container {name}",
        "Shorten env, command or etc_hosts, or put large data into the image.",
    )
    return document


def process_args(config: Config, image_config: Mapping[str, Any]) -> list[str]:
    """Return entrypoint and command. The user's entrypoint discards the image's command; an empty one only clears."""
    own: tuple[str, ...] | None = config.values["entrypoint"]
    entrypoint = list(image_config.get("Entrypoint") or ()) if own is None else list(own)
    command = list(config.values["command"] or ())
    if not command and not own:
        command = list(image_config.get("Cmd") or ())
    if entrypoint == [""]:
        # The form of "no entrypoint" on Docker's command line.
        entrypoint = []
    args = entrypoint + command
    if not args or not args[0]:
        raise GantryError(
            f"There is nothing to run: neither image {config.image} nor the task gives a program. "
            "Give command or entrypoint."
        )
    return args


def process_env(config: Config, image_config: Mapping[str, Any]) -> list[str]:
    """Return the variables: Docker's PATH and HOSTNAME, overridden by the image's, overridden by the container's."""
    env = {"PATH": _DEFAULT_PATH, "HOSTNAME": config.hostname}
    for line in image_config.get("Env") or ():
        name, _equals, value = line.partition("=")
        env[name] = value
    for name in sorted(config.values["env"]):
        env[name] = config.values["env"][name]
    return [f"{name}={value}" for name, value in env.items()]


def healthcheck(config: Config, image_config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the health check, each part from the user, else from the image, else Docker's default."""
    own = config.healthcheck
    of_image = image_config.get("Healthcheck") or {}
    test = list(own.test) if own is not None and own.test is not None else list(of_image.get("Test") or ())
    if not test:
        if own is not None:
            raise GantryError(
                f"healthcheck is given without test, and image {config.image} has no health check. Give "
                "healthcheck.test."
            )
        return None
    if test[0] == "NONE":
        return None
    if not is_health_test(test):
        raise GantryError(
            f"Image {config.image} has the health check {test}, which is neither CMD with a program nor CMD-SHELL with "
            "one line. Give healthcheck.test, or NONE there to disable it."
        )
    merged: dict[str, Any] = {"test": _shell_test(test, image_config)}
    for key, default in _HEALTH_DEFAULTS.items():
        value = getattr(own, key) if own is not None else None
        if value is None:
            value = of_image.get(_HEALTH_IMAGE_KEYS[key]) or None
            if value is not None and key != "retries":
                value = value / _NANOSECONDS
        merged[key] = default if value is None else _plain(value)
    return merged


def _shell_test(test: list[str], image_config: Mapping[str, Any]) -> list[str]:
    shell = image_config.get("Shell")
    if test[0] == "CMD-SHELL" and shell:
        return ["CMD", *shell, *test[1:]]
    return test


def _plain(number: float) -> float | int:
    # 30.0 and 30 are one number but two JSON texts.
    return int(number) if number == int(number) else number


def _root(config: Config) -> dict[str, Any]:
    on_tmpfs = config.values["writable"] == "tmpfs" and not config.values["read_only"]
    return {
        "scratch": None if config.scratch_bytes is None else {"unit": SCRATCH_UNIT},
        "tmpfs_size": config.values["scratch_size"] if on_tmpfs else None,
    }


def _own_or_image(own: str | None, of_image: str | None) -> str:
    return own if own is not None else of_image or ""


def _put(document: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    """Set one field of the document, which may be in a nested object."""
    *parents, name = place
    for parent in parents:
        document = document.setdefault(parent, {})
    document[name] = value

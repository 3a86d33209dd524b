# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options for pulling and converting an image, and limits against malicious images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

GIB = 1 << 30
# The largest single file that is downloaded; a bootstrap ISO has some 20 MB.
MAX_FILE_BYTES = GIB

# The options of modules that read from a registry.
REGISTRY_OPTIONS: Mapping[str, dict[str, Any]] = {
    "registry_username": {"type": "str"},
    "registry_password": {"type": "str", "no_log": True},
    "registry_auth_file": {"type": "path"},
    "registry_tls_verify": {"type": "bool", "default": True},
    "registry_cert_dir": {"type": "path"},
    "registries_conf": {"type": "path"},
    "signature_policy": {"type": "path"},
}
REGISTRY_REQUIRED_TOGETHER = ("registry_username", "registry_password")
REGISTRY_MUTUALLY_EXCLUSIVE = ("registry_username", "registry_auth_file")

DevicePolicy = Literal["keep", "drop", "refuse"]


@dataclass(frozen=True)
class Limits:
    """Limits for one image: far above real images, and below the resources of a control node."""

    layers: int = 512
    nested_indexes: int = 16
    entries: int = 1_000_000
    devices: int = 1024
    metadata_bytes: int = 256 << 20
    """Names, link targets and extended attributes, which flattening keeps in memory."""
    content_bytes: int = 64 * GIB
    """All layers, decompressed."""
    ratio: int = 200
    """The maximum compression ratio of a layer whose content is larger than ``ratio_from_bytes``."""
    ratio_from_bytes: int = GIB


@dataclass(frozen=True)
class PullOptions:
    """How the registry is accessed and what is accepted from it."""

    architecture: str = "amd64"
    auth_file: Path | None = None
    """Credentials as ``skopeo login`` or ``docker login`` writes them; None: the default places of skopeo."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls_verify: bool = True
    certificates: Path | None = None
    """A directory with the CA (``*.crt``) and client certificates for the registry."""
    registries_conf: Path | None = None
    """Mirrors and blocked registries; None: the default places of skopeo."""
    policy: Path | None = None
    """A signature policy; None: the default places of skopeo."""
    request_timeout: float = 60
    pull_timeout: float = 3600
    devices: DevicePolicy = "keep"
    limits: Limits = field(default_factory=Limits)


def desire_pull_options(params: Mapping[str, Any], architecture: str = "amd64") -> PullOptions:
    """Return the options for pulling that a task's options of REGISTRY_OPTIONS give."""
    return PullOptions(
        architecture=architecture,
        auth_file=path_or_none(params["registry_auth_file"]),
        username=params["registry_username"],
        password=params["registry_password"],
        tls_verify=params["registry_tls_verify"],
        certificates=path_or_none(params["registry_cert_dir"]),
        registries_conf=path_or_none(params["registries_conf"]),
        policy=path_or_none(params["signature_policy"]),
    )


def path_or_none(value: str | None) -> Path | None:
    """Return an option of the type path as a path."""
    return None if value is None else Path(value)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user may set about pulling and converting an image, and the limits that hostile images meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

GIB = 1 << 30

DevicePolicy = Literal["keep", "drop", "refuse"]


@dataclass(frozen=True)
class Limits:
    """Bounds on one image. They are far above real images, and below what exhausts a controller."""

    layers: int = 512
    nested_indexes: int = 16
    entries: int = 1_000_000
    devices: int = 1024
    metadata_bytes: int = 256 << 20
    """Names, link targets and extended attributes: what flattening holds in memory."""
    content_bytes: int = 64 * GIB
    """All layers, decompressed."""
    ratio: int = 200
    """How much larger than its blob a layer may become, once it is larger than ``ratio_from_bytes``."""
    ratio_from_bytes: int = GIB


@dataclass(frozen=True)
class ImageOptions:
    """How to reach the registry and what to accept from it."""

    architecture: str = "amd64"
    auth_file: Path | None = None
    """Credentials as ``skopeo login`` or ``docker login`` writes them; None: skopeo's own default places."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls_verify: bool = True
    certificates: Path | None = None
    """A directory with the CA (``*.crt``) and client certificates for the registry."""
    policy: Path | None = None
    """A signature policy; None: skopeo's own default places."""
    request_timeout: float = 60
    pull_timeout: float = 3600
    devices: DevicePolicy = "keep"
    limits: Limits = field(default_factory=Limits)

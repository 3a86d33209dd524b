# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab is started from: the vCenter's binary, the images' layouts, the bootstrap. Built, or from the caches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devkit.console import CACHE, step
from guest.build.bootstrap import build as build_bootstrap
from guest.build.errors import BuildError
from lab import vcenter_binary
from lab.config import Config
from lab.errors import LabError
from lab.images.build import NAMES, build_all


@dataclass(frozen=True)
class Artifacts:
    vcenter: Path
    images: Mapping[str, Path]  # the OCI layout of each configured image
    bootstrap_iso: Path | None  # none when nothing boots


def build(config: Config) -> Artifacts:
    unknown = sorted(set(config.images) - set(NAMES))
    if unknown:
        raise LabError(f"images: there is no recipe for {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    with step("vCenter's binary"):
        vcenter = vcenter_binary.build(CACHE / "lab")
    images: dict[str, Path] = {}
    if config.images:
        built = build_all(CACHE / "images")
        images = {name: built[name] for name in config.images}
    return Artifacts(vcenter, images, _bootstrap() if config.hypervisor != "none" else None)


def _bootstrap() -> Path:
    with step("bootstrap ISO"):
        try:
            return build_bootstrap().iso
        except BuildError as error:
            raise LabError(f"the bootstrap does not build: {error}") from error

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the vCenter binary, the image layouts and the bootstrap ISO, or take them from the caches."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
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
    bootstrap_iso: Path | None  # None: VMs do not boot


def build(config: Config) -> Artifacts:
    unknown = sorted(set(config.images) - set(NAMES))
    if unknown:
        raise LabError(f"images: there is no recipe for {', '.join(unknown)}. Available are: {', '.join(NAMES)}.")
    # These run concurrently: compiling uses all processors, and building the images mostly waits.
    with ThreadPoolExecutor(max_workers=3) as pool:
        vcenter = pool.submit(_vcenter)
        images = pool.submit(_images, config)
        bootstrap = pool.submit(_bootstrap) if config.hypervisor != "none" else None
    return Artifacts(vcenter.result(), images.result(), bootstrap.result() if bootstrap else None)


def _vcenter() -> Path:
    with step("vCenter binary"):
        return vcenter_binary.build(CACHE / "lab")


def _images(config: Config) -> dict[str, Path]:
    if not config.images:
        return {}
    built = build_all(CACHE / "images")
    return {name: built[name] for name in config.images}


def _bootstrap() -> Path:
    with step("bootstrap ISO"):
        try:
            return build_bootstrap().iso
        except BuildError as error:
            raise LabError(f"The bootstrap could not be built: {error}") from error

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Presets of roles: the privileges of the modules that a kind of user runs. Pure data, made of the table."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.gantry.vsphere.plugins.module_utils._access.privileges import DATACENTER, IMAGES, REQUIREMENTS

OPERATOR, DEPLOYER, VIEWER, IMAGE_PUBLISHER = "operator", "deployer", "viewer", "image_publisher"
# An operator does not manage roles and permissions: whoever may do that can get all other privileges.
PRESET_MODULES: Mapping[str, tuple[str, ...]] = {
    OPERATOR: tuple(sorted(REQUIREMENTS.keys() - {"access"})),
    DEPLOYER: ("container_image_info", "container_set", "container_vm", "container_vm_info", "container_vms"),
    VIEWER: tuple(sorted(module for module, needs in REQUIREMENTS.items() if all(one.optional for one in needs))),
    IMAGE_PUBLISHER: ("bootstrap_image", "container_image", "container_image_info", "container_image_prune"),
}


# A preset is one role for several objects. A deployer is not to write files on the datastores: with another bootstrap
# ISO it could run code in all containers. To read the version of the ISO, it gets another role on the datacenter.
# Nor is it to change the images that others use: without the privileges in their folder, no container is created while
# the host of its image's template is in maintenance mode or not connected.
_SEPARATE: Mapping[str, frozenset[str]] = {DEPLOYER: frozenset({DATACENTER, IMAGES})}


def preset_privileges(preset: str) -> frozenset[str]:
    """Return the privileges of a preset, besides those for reading, which every role of vCenter has."""
    return frozenset(
        name
        for module in PRESET_MODULES[preset]
        for requirement in REQUIREMENTS[module]
        if not requirement.optional and requirement.place not in _SEPARATE.get(preset, ())
        for name in requirement.privileges
    )

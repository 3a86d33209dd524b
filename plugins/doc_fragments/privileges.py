# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the privileges that each module requires, made of the table: gantry.vsphere.privileges.MODULE."""

from __future__ import annotations

import yaml

from ansible_collections.gantry.vsphere.plugins.module_utils._access.privileges import REQUIREMENTS, Requirement

_READING = "on all objects that it reads, with propagation from the datacenter"


def privilege_notes(module: str) -> list[str]:
    """Return the notes on the privileges of a module, or of the inventory plugin."""
    requirements = REQUIREMENTS[module]
    if not requirements:
        return [f"Requires the privileges of the role Read-only {_READING}, and no others."]
    reading = f"Requires the privileges of the role Read-only {_READING}, and those that follow."
    return [reading, *(_note(requirement) for requirement in requirements)]


def _note(requirement: Requirement) -> str:
    names = [f"C({name})" for name in requirement.privileges]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"Privileges on {requirement.where}, {requirement.purpose}. {listed}."


class ModuleDocFragment:
    """Has an attribute for each module, with its name in capitals."""


for _module in REQUIREMENTS:
    setattr(ModuleDocFragment, _module.upper(), yaml.safe_dump({"options": {}, "notes": privilege_notes(_module)}))

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A template, the host that it is registered on, and its way to another host. Pure data.

A template is registered on one host, as every VM is. vCenter clones it only while that host is connected and neither in
maintenance mode nor entering it, whatever host the clone is on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import nested
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import VmFacts


@dataclass(frozen=True)
class RegisteredTemplate:
    """A template with what is needed to register it elsewhere: its folder (a MoID) and its configuration file."""

    facts: VmFacts
    folder: str
    config_file: str
    # False: it is a VM at present, as while it is changed.
    is_template: bool = True


@dataclass(frozen=True)
class Rehoming:
    """The move of a template to another host. Its files stay where they are.

    A host that is not connected cannot give its template away: it is then taken out of the inventory (``registers``)
    and registered on the other host, where it has a new MoID.
    """

    template: RegisteredTemplate
    origin: str  # the name of the host
    host: str
    host_name: str
    pool: str
    registers: bool = False

    @property
    def moid(self) -> str:
        return self.template.facts.moid

    @property
    def name(self) -> str:
        return self.template.facts.name

    @property
    def path(self) -> str:
        return self.template.facts.path

    def describe(self) -> str:
        how = ", which is not connected, by registering it again" if self.registers else ""
        return f"move template {self.name} to {self.host_name} from {self.origin}{how}"

    def before(self) -> Mapping[str, Any]:
        return nested("templates", self.path, "host", value=self.origin)

    def after(self) -> Mapping[str, Any]:
        return nested("templates", self.path, "host", value=self.host_name)


@dataclass(frozen=True)
class RehomingChange:
    """The change of a plan that moves a template. Each domain adds what follows for what it has observed."""

    rehoming: Rehoming

    def describe(self) -> str:
        return self.rehoming.describe()

    def before(self) -> Mapping[str, Any]:
        return self.rehoming.before()

    def after(self) -> Mapping[str, Any]:
        return self.rehoming.after()

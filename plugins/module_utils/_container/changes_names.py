# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The change of what a container finds by name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_names import NamedContainer, NamesTable
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import nested

# An address in the prediction that is not known before DHCP gives it.
FROM_DHCP = "(from DHCP)"


@dataclass(frozen=True)
class UpdateNames(ContainerChange):
    """Give a container another table of names, while it runs. It is made again when all other changes are."""

    named: NamedContainer
    # As the plan expects it.
    table: NamesTable

    def describe(self) -> str:
        return f"update the names that {self.container} finds"

    def before(self) -> Mapping[str, Any]:
        return nested(self.container, "names", value=None if self.named.table is None else "other names or addresses")

    def after(self) -> Mapping[str, Any]:
        return nested(self.container, "names", value=self.table.names())

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        return observed  # the task reports no tables

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moving container VMs to another datastore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import Relocate
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode import relocate_spec

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import Run, Workbench


def relocate(bench: Workbench, runs: Sequence[Run]) -> None:
    """Storage vMotion of each VM, running or not."""
    bench.each(
        runs,
        Relocate,
        "relocate",
        lambda vm, change: vm.RelocateVM_Task(
            relocate_spec(change.datastore.ref, shares_image=change.shares_image), priority="defaultPriority"
        ),
    )

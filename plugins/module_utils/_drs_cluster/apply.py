# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the settings of a cluster in one reconfiguration, and verify them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.changes import ChangeSetting
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.encode import encode_settings
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import ObservedSettings
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.observe import read_settings
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def apply_settings(
    session: Session,
    observed: ObservedSettings,
    plan: Plan[ChangeSetting],
    replan: Callable[[ObservedSettings], Plan[ChangeSetting]],
    report: Report,
) -> ObservedSettings:
    """Make the changes and return the settings read afterwards; ``replan`` returns the missing changes."""
    cluster = observed.cluster
    spec = encode_settings(session, plan.changes, observed.policy)
    session.run_one(
        Job(cluster.name, "reconfigure", lambda: cluster.ref.ReconfigureComputeResource_Task(spec, True)), report
    )
    now = replace(observed, settings=read_settings(session, cluster))
    left = replan(now)
    if left.changed:
        raise GantryError(
            f"vCenter accepted the settings of {cluster.path}, but these still differ: {', '.join(left.actions())}. "
            "Either this version of vCenter does not know them, or another client changed them at the same time.",
        )
    return now

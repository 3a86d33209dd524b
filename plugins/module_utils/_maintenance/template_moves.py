# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find other hosts for the templates on a host that enters maintenance mode. Pure.

vCenter leaves templates on the host, and clones none of them there. The templates of images leave it in any case, other
templates with evacuate_powered_off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.model import MaintenanceRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.hosts import HostChooser
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    ClusterFacts,
    HostFacts,
    PlacementView,
    VmFacts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import MoveTarget
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.model import RegisteredTemplate, Rehoming
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.target import choose_home


@dataclass(frozen=True)
class TemplateMoves:
    """The templates that leave a host, and what keeps others there."""

    moves: tuple[Rehoming, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    warnings: tuple[str, ...] = ()


def evacuated_templates(
    desired: MaintenanceRequest,
    host: HostFacts,
    cluster: ClusterFacts,
    templates: Sequence[VmFacts],
    view: PlacementView,
) -> TemplateMoves:
    """Choose a host of the cluster for each template. Those without one stay, with a warning.

    Without DRS they are blockers if what is off must leave: vCenter then waits until the host has no VM.
    """
    if not host.usable:
        return TemplateMoves()  # it can neither give templates away nor enter maintenance mode
    waits = desired.evacuate_powered_off and not cluster.drs
    chooser = HostChooser("any", view, avoid=[host.moid])
    moves: list[Rehoming] = []
    found: list[Blocker] = []
    warnings: list[str] = []
    for facts in templates:
        template = RegisteredTemplate(facts, folder="", config_file="")
        rehoming, _all = choose_home(template, host, view, [cluster.moid], {})
        if rehoming is not None:
            moves.append(rehoming)
            continue
        blockers = chooser.possible(facts, MoveTarget(choose_in=cluster.moid))[1]
        if waits:
            found += blockers
        else:
            reasons = listed(dict.fromkeys(blocker.message.rstrip(".") for blocker in blockers))
            warnings.append(
                f"Template {facts.path} stays on {host.name}, and nothing can be cloned from it while the host is in "
                f"maintenance mode: {reasons}."
            )
    return TemplateMoves(tuple(moves), tuple(found), tuple(warnings))

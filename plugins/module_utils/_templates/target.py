# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose another host for a template. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.hosts import fit_hosts
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import HostFacts, PlacementView
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import MoveTarget
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.model import RegisteredTemplate, Rehoming


def choose_home(
    template: RegisteredTemplate,
    origin: HostFacts,
    view: PlacementView,
    clusters: Sequence[str],
    pools: Mapping[str, str],
) -> tuple[Rehoming | None, tuple[Blocker, ...]]:
    """Return the move to a host of the first of these clusters that has a usable one, or what blocks all hosts.

    The choice depends on the name only, so that tasks which run at the same time choose the same host. ``pools``: the
    resource pool to use in a cluster instead of its root pool, which a template is in for a moment.
    """
    facts = template.facts
    blockers: list[Blocker] = []
    for cluster in clusters:
        pool = pools.get(cluster) or view.clusters[cluster].root_pool
        fit = fit_hosts(facts, MoveTarget(choose_in=cluster), "any", view, avoid=[origin.moid])
        blockers += [blocker for blocked in fit.blocked.values() for blocker in blocked]
        if fit.fitting and pool is not None:
            host = fit.fitting[zlib.crc32(facts.name.encode()) % len(fit.fitting)]
            registers = origin.connection != "connected"
            return Rehoming(template, origin.name, host.moid, host.name, pool, registers), ()
    return None, tuple(blockers)

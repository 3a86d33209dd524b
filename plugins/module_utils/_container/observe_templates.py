# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find other hosts for the templates that new containers need: one request if there is any, for all containers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    DesiredContainer,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import needs_clone
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.observe import observe_rehomings
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Inventory

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_templates(
    session: Session, inventory: Inventory, wanted: Sequence[DesiredContainer], observed: Sequence[ObservedContainer]
) -> list[ObservedContainer]:
    """Add to each image that is to be cloned the move of its template, if vCenter cannot clone it where it is."""
    stranded = [
        one
        for desired, one in zip(wanted, observed, strict=True)
        if one.image is not None and not one.image.usable and needs_clone(desired, one)
    ]
    templates = {one.image.moid: one.image.registered for one in stranded if one.image is not None}
    pools = [one.place.pool for one in stranded if one.place is not None and one.place.pool is not None]
    rehomings = observe_rehomings(session, inventory, [one for one in templates.values() if one is not None], pools)
    return [
        replace(one, image=replace(one.image, rehoming=rehomings.get(one.image.moid))) if one.image else one
        for one in observed
    ]

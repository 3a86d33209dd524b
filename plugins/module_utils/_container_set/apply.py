# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the changes of a project: many containers in parallel, those that are interrupted one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply import (
    ContainerWork,
    apply_in_order,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import Clone
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_names import UpdateNames
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import NEW
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.changes import SetChange

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def apply_set(session: Session, changes: Sequence[SetChange], report: Report) -> None:
    """Make the changes; the first interrupted container that fails keeps the following ones as they are."""
    _refuse_planned_images(changes)
    apply_in_order(session, _works(changes), report)


def _works(changes: Sequence[SetChange]) -> list[ContainerWork]:
    by_subject: dict[str, list[SetChange]] = {}
    for change in changes:
        by_subject.setdefault(change.subject, []).append(change)
    works: list[ContainerWork] = []
    before: frozenset[str] = frozenset(
        subject
        for subject, made in by_subject.items()
        if made[0].listed and not made[0].rolling and not isinstance(made[0].change, UpdateNames)
    )
    for subject, made in by_subject.items():
        first = made[0]
        works.append(
            ContainerWork(
                subject,
                first.change.container,
                tuple(one.change for one in made),
                before if first.rolling else frozenset(),
            )
        )
        if first.rolling:
            before = frozenset({subject})
    return works


def _refuse_planned_images(changes: Sequence[SetChange]) -> None:
    missing = {
        one.change.image.name for one in changes if isinstance(one.change, Clone) and one.change.image.moid == NEW
    }
    if missing:
        raise GantryError(
            f"planned_images has {listed(sorted(missing))}, and no such template exists. planned_images is for check "
            "mode. Run container_image first."
        )

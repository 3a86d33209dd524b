# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell running imports from abandoned ones: by a lock for each image on this machine, by age for other machines.

A run that is killed lets go of its lock, so the next run on the same machine knows at once. Of a run on another
machine only the start is known, by vCenter's clock.
"""

from __future__ import annotations

from datetime import datetime

from ansible_collections.gantry.vsphere.plugins.module_utils._base.locks import ABANDONED_AFTER
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import IMPORTING, ImageTemplate


def is_abandoned(template: ImageTemplate, *, controller: str | None, held: bool, now: datetime | None) -> bool:
    """Return whether an import is abandoned. ``held``: a run on this machine holds the lock of its disk."""
    if template.state != IMPORTING:
        return False
    claim = template.claim
    if claim is None:
        return True
    if claim.controller == controller:
        return not held
    return now is not None and now - claim.started > ABANDONED_AFTER


def is_foreign(template: ImageTemplate, controller: str | None) -> bool:
    """Return whether another machine started this import. Only then its age is relevant."""
    return template.state == IMPORTING and template.claim is not None and template.claim.controller != controller

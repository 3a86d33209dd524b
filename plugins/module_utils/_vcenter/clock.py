# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clock of vCenter."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def server_time(session: Session) -> datetime:
    """Return the time of vCenter's clock, which all control nodes share."""
    now: datetime = session.ref("ServiceInstance", "ServiceInstance").CurrentTime()
    return now

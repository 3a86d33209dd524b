# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limits of the guest document (contracts.md, section 2): its version, its size and its forms. Pure."""

from __future__ import annotations

from collections.abc import Sequence

VERSION = 1
# The maximum size that the guest reads.
MAX_BYTES = 1 << 20
# The unit of the scratch disk on SCSI controller 0.
SCRATCH_UNIT = 1
# The field that a running guest follows as it is, and the number that tells which of two documents is the later one.
RESTART = "restart"
REVISION = "revision"
# The protocols whose ports the guest redirects, and how many ports it redirects in all.
REDIRECT_PROTOCOLS = ("tcp", "udp")
MAX_REDIRECTED_PORTS = 1024


def is_health_test(test: Sequence[str]) -> bool:
    """Return whether the guest can run a health check's test."""
    return (len(test) >= 2 and test[0] == "CMD" and bool(test[1])) or (len(test) == 2 and test[0] == "CMD-SHELL")

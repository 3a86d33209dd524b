# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of all unit tests: no result depends on the load of the machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("gantry", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gantry")

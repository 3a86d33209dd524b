# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert the options of drs_recommendation to a selection of recommendations. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.model import LIST, Choice
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selectors import parse_selectors


def desire_recommendations(params: Mapping[str, Any]) -> Choice:
    given = [option for option in ("keys", "reasons", "vms") if params[option] is not None]
    if params["all"] and given:
        raise GantryError(f"all and {given[0]} are mutually exclusive.")
    if params["action"] != LIST and not params["all"] and not given:
        raise GantryError(f"action: {params['action']} requires keys, reasons, vms or all to select recommendations.")
    return Choice(
        params["cluster"],
        params["datacenter"],
        params["action"],
        keys=None if params["keys"] is None else tuple(params["keys"]),
        reasons=None if params["reasons"] is None else tuple(params["reasons"]),
        vms=None if params["vms"] is None else parse_selectors(params["vms"], "vms"),
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The static addresses in a guest document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_IPV6 = 6


def static_address(network: Mapping[str, Any], version: int) -> str | None:
    """Return the address of one version of an adapter with its prefix length, or None if the network gives it."""
    fields = (network.get("ipv6") or {}) if version == _IPV6 else network
    address = fields.get("address")
    return str(address) if address else None


def static_addresses(document: Mapping[str, Any] | None, version: int) -> list[str | None]:
    """Return the addresses in the order of the networks; None for one that the network gives."""
    return [static_address(network, version) for network in (document or {}).get("networks") or ()]

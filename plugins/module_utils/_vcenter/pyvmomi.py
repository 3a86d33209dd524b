# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""pyVmomi's namespaces, or None if it is missing: use them only inside functions, after a session was opened."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

__all__ = [
    "SoapAdapter",
    "VmomiSupport",
    "available",
    "moid_of",
    "moid_or_none",
    "moids_of",
    "pbm",
    "require_pyvmomi",
    "type_name",
    "vim",
    "vmodl",
    "vslm",
]

pbm: Any
vim: Any
vmodl: Any
vslm: Any
# pyVmomi has no complete types, so these are Any.
SoapAdapter: Any
VmomiSupport: Any
try:
    from pyVmomi import SoapAdapter, VmomiSupport, pbm, vim, vmodl, vslm
except ImportError as error:
    SoapAdapter = VmomiSupport = pbm = vim = vmodl = vslm = None
    _IMPORT_ERROR: ImportError | None = error
else:
    _IMPORT_ERROR = None


def require_pyvmomi() -> None:
    if _IMPORT_ERROR is not None:
        raise GantryError(
            f"{missing_required_lib('pyvmomi')} (the Python that runs this is {sys.executable}; {_IMPORT_ERROR})."
        )


def available() -> bool:
    return _IMPORT_ERROR is None


def moid_of(ref: Any) -> str:
    """Return the MoID of a managed object."""
    return str(ref._moId)  # noqa: SLF001 - pyVmomi's only name for it


def moid_or_none(ref: Any) -> str | None:
    """Return the MoID of a managed object that may be unset."""
    return None if ref is None else moid_of(ref)


def moids_of(refs: Iterable[Any] | None) -> frozenset[str]:
    """Return the MoIDs of a list that may be unset."""
    return frozenset(moid_of(ref) for ref in refs or ())


def type_name(ref: Any) -> str:
    """Return the type name of a managed object in the vSphere API."""
    return str(ref._wsdlName)  # noqa: SLF001 - pyVmomi's only name for it

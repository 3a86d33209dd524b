# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The privileges that the lab requires for each method are those of pyVmomi's type tables."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from pyVmomi import VmomiSupport

TABLE = Path(__file__).parents[3] / "lab" / "vcenter" / "internal" / "authz" / "methods.txt"
NOT_IN_PYVMOMI = "# Not in pyVmomi"
# The methods whose privileges pyVmomi 9.1 declares otherwise than 8.0.3, the oldest supported release.
CHANGED = {"CloneVM_Task", "DeleteVStorageObject_Task", "VCenterUpdateVStorageObjectMetadataEx_Task"}


def test_the_privileges_are_those_of_pyvmomi() -> None:
    compared, _others = table()
    known = methods()
    differing = {name for name, privileges in compared.items() if privileges != required(known[name])}
    assert differing == (CHANGED if version("pyvmomi").startswith("8.") else set())
    assert len(compared) > 200


def test_what_is_not_compared_is_not_in_pyvmomi() -> None:
    _compared, others = table()
    assert not set(others) & set(methods())


def table() -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Return what each method requires on the object that is called ("") and on its arguments: compared, and others."""
    compared, others = TABLE.read_text().split(NOT_IN_PYVMOMI)
    return entries(compared), entries(others)


def entries(text: str) -> dict[str, dict[str, str]]:
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, receiver, *arguments = line.split()
            found[name] = {"": receiver, **dict(word.split("=") for word in arguments if word != "+")}
    return found


def required(method: Any) -> dict[str, str]:
    on_arguments = {parameter.name: parameter.privId for parameter in method.params if parameter.privId}
    return {"": method.privId or "-", **on_arguments}


def methods() -> dict[str, Any]:
    """All methods of the API by name; names are unique in it."""
    found = {}
    for name in list(VmomiSupport._managedDefMap):
        if name.startswith(("vim.", "vmodl.")):
            for method in VmomiSupport.GetVmodlType(name)._methodInfo.values():
                found[method.wsdlName] = method
    return found

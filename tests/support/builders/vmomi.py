# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare pyVmomi's objects: their types and all their values. They have no equality of their own."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import SoapAdapter, VmomiSupport, moid_of


def decoded_by_pyvmomi(content: bytes, result: Any, stub: Any) -> Any:
    return SoapAdapter.SoapResponseDeserializer(stub).Deserialize(content, result)


def assert_same(ours: Any, theirs: Any, path: str = "") -> int:
    """Assert that two values are the same; return the number of values in them."""
    assert type(ours) is type(theirs), (path, ours, theirs)
    if isinstance(theirs, list):
        assert len(ours) == len(theirs), path
        pairs = zip(ours, theirs, strict=True)
        return 1 + sum(assert_same(one, other, f"{path}[{index}]") for index, (one, other) in enumerate(pairs))
    if isinstance(theirs, VmomiSupport.DataObject):
        assert vars(ours).keys() == vars(theirs).keys(), path
        return 1 + sum(assert_same(vars(ours)[name], value, f"{path}.{name}") for name, value in vars(theirs).items())
    if isinstance(theirs, VmomiSupport.ManagedObject):
        assert (moid_of(ours), ours._stub) == (moid_of(theirs), theirs._stub), path
        return 1
    assert ours == theirs, path
    return 1

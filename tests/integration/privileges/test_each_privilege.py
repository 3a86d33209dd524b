# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documented privileges of each module are enough, and each of them is necessary."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._access.privileges import (
    REQUIREMENTS,
    Requirement,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import InfoOperation
from tests.support.lab.drive import drive, operation_of
from tests.support.lab.least import HOLDERS, MODULES, assign, required_on
from tests.support.lab.privilege_cases import Cases

# The cases use standard port groups.
_TYPES = [name for name in HOLDERS if name not in ("DistributedVirtualPortgroup", "OpaqueNetwork")]


def each() -> Iterator[tuple[str, str, str]]:
    """Yield the privileges to be taken away, with their modules and types of objects.

    Modules with the same requirement call the same methods for it. So all its privileges are tried with one of them,
    and the first one with the others, which shows that they have the requirement at all.
    """
    tried: set[Requirement] = set()
    for module in {REQUIREMENTS[module]: module for module in MODULES}.values():
        needed = REQUIREMENTS[module]
        chosen = {
            privilege
            for requirement in needed
            for privilege in (requirement.privileges[:1] if requirement in tried else requirement.privileges)
        }
        for type_name in _TYPES:
            for privilege in required_on(module, type_name):
                if privilege in chosen:
                    yield module, type_name, privilege
        tried |= set(needed)


@pytest.mark.parametrize("module", MODULES)
def test_the_documented_privileges_are_enough(module: str, cases: Cases, lab: dict[str, Any]) -> None:
    with cases.arranged(module) as steps:
        for step in steps:
            step.arrange()
            cases.control.forget()
            result = drive(module, {**lab["vcenter"], **step.options})
            assert "failed" not in result, (step.name, result)
            reading = isinstance(operation_of(module), InfoOperation)
            assert result["changed"] != reading, (step.name, result)
            assert bool(cases.control.mutating()) != reading


@pytest.mark.parametrize(("module", "type_name", "privilege"), list(each()))
def test_each_privilege_is_necessary(
    module: str, type_name: str, privilege: str, cases: Cases, lab: dict[str, Any]
) -> None:
    with cases.arranged(module) as steps, lacking(cases, module, type_name, privilege):
        for step in steps:
            step.arrange()
            result = drive(module, {**lab["vcenter"], **step.options})
            if result.get("failed"):
                assert f"lacks these privileges: {privilege} on " in result["msg"] or (
                    f"lacks {privilege} on the datacenter" in result["msg"]
                ), (step.name, result)
                return
            if any(privilege in text for text in result.get("warnings", ())):
                return
    raise AssertionError(f"{module} never needed {privilege} on a {type_name}")


@contextmanager
def lacking(cases: Cases, module: str, type_name: str, privilege: str) -> Iterator[None]:
    """Take one privilege on all objects of a type from the user of a module."""
    content, inventory = cases.builder.session.content, cases.builder.session.inventory(refresh=True)
    objects = [entry.ref for entry in inventory.all(type_name)]
    whole = required_on(module, type_name)
    with assign(content.authorizationManager, module, objects, sorted({*whole} - {privilege})):
        yield

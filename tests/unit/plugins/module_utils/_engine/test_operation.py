# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that check mode's prediction comes only from the changes, in every module."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ansible_collections.gantry.vsphere.plugins import module_utils
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import InfoOperation, Operation

UTILS = Path(next(iter(module_utils.__path__)))
# The methods of a change that the engine calls.
PROTOCOL = ("describe", "before", "after", "project")


def modules(pattern: str) -> Iterator[ModuleType]:
    for path in sorted(UTILS.glob(pattern)):
        yield importlib.import_module(f"{module_utils.__name__}.{path.parent.name}.{path.stem}")


def classes(module: ModuleType) -> Iterator[type]:
    for _name, found in inspect.getmembers(module, inspect.isclass):
        if found.__module__ == module.__name__ and not inspect.isabstract(found):
            yield found


OPERATIONS = [
    found
    for module in modules("_*/*operation.py")
    if "_engine" not in module.__name__
    for found in classes(module)
    if issubclass(found, Operation)
]
CHANGES = [found for module in modules("_*/changes.py") for found in classes(module)]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.__name__)
def test_an_operation_does_not_override_the_prediction(operation: type[Operation]) -> None:
    assert operation.predict is Operation.predict
    if issubclass(operation, InfoOperation):
        assert operation.plan is InfoOperation.plan


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
def test_a_change_is_described_and_projected(change: type) -> None:
    assert [name for name in PROTOCOL if not callable(getattr(change, name, None))] == []


def test_all_packages_with_changes_are_covered() -> None:
    assert {change.__module__.split(".")[-2] for change in CHANGES} <= {
        operation.__module__.split(".")[-2] for operation in OPERATIONS
    }

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of privileges: complete, of privileges that exist, and documented by each module."""

from __future__ import annotations

import yaml

from ansible_collections.gantry.vsphere.plugins.doc_fragments.privileges import ModuleDocFragment, privilege_notes
from ansible_collections.gantry.vsphere.plugins.module_utils._access.presets import (
    DEPLOYER,
    IMAGE_PUBLISHER,
    OPERATOR,
    PRESET_MODULES,
    VIEWER,
    preset_privileges,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._access.privileges import PLACES, REQUIREMENTS
from devkit.console import ROOT

PLUGINS = {path.stem: path for folder in ("modules", "inventory") for path in (ROOT / "plugins" / folder).glob("*.py")}


def test_each_module_and_inventory_plugin_has_a_row() -> None:
    assert set(REQUIREMENTS) == set(PLUGINS), "add the privileges of the module to _access/privileges.py"


def test_each_module_documents_its_row() -> None:
    for name, path in PLUGINS.items():
        assert f"\n  - gantry.vsphere.privileges.{name}\n" in path.read_text(), name
        fragment = yaml.safe_load(getattr(ModuleDocFragment, name.upper()))
        assert fragment["notes"] == privilege_notes(name)


def test_no_module_documents_privileges_twice() -> None:
    for name, path in PLUGINS.items():
        for requirement in REQUIREMENTS[name] if name != "access" else ():
            for privilege in requirement.privileges:
                assert f"C({privilege})" not in path.read_text(), (name, privilege)


def test_notes_say_where_and_what_for() -> None:
    (only,) = privilege_notes("container_image_info")
    assert only.endswith("with propagation from the datacenter, and no others.")
    reading, note, *_more = privilege_notes("host_maintenance")
    assert "role Read-only" in reading
    assert note == "Privileges on the host, to enter and to exit maintenance mode. C(Host.Config.Maintenance)."


def test_places_are_those_that_texts_know() -> None:
    for requirements in REQUIREMENTS.values():
        for requirement in requirements:
            assert requirement.place in PLACES
            assert requirement.where
            assert requirement.privileges


def test_presets_are_unions_of_rows() -> None:
    assert preset_privileges(VIEWER) == frozenset()
    assert set(PRESET_MODULES[OPERATOR]) == set(REQUIREMENTS) - {"access"}
    assert preset_privileges(DEPLOYER) | preset_privileges(IMAGE_PUBLISHER) < preset_privileges(OPERATOR)
    assert not any(name.startswith("Authorization.") for name in preset_privileges(OPERATOR))
    assert "VApp.Import" not in preset_privileges(DEPLOYER)


def test_no_preset_includes_what_only_an_option_needs() -> None:
    assert "container_vm_info" in PRESET_MODULES[VIEWER]
    (optional,) = REQUIREMENTS["container_vm_info"]
    assert not preset_privileges(OPERATOR) & {*optional.privileges}


def test_a_deployer_cannot_replace_the_bootstrap_iso() -> None:
    assert "Datastore.FileManagement" in preset_privileges(IMAGE_PUBLISHER)
    assert "Datastore.FileManagement" not in preset_privileges(DEPLOYER)

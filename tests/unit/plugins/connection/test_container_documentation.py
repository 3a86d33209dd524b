# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of the connection plugin against the code: Ansible reads options from the documentation."""

from __future__ import annotations

from typing import Any

import yaml

from ansible_collections.gantry.vsphere.plugins.connection.container import DOCUMENTATION
from ansible_collections.gantry.vsphere.plugins.doc_fragments.vcenter import ModuleDocFragment
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import connection_argument_spec

OWN: dict[str, Any] = yaml.safe_load(DOCUMENTATION)["options"]
SHARED: dict[str, Any] = yaml.safe_load(ModuleDocFragment.CONNECTION)["options"]


def test_vcenter_is_configured_by_variables_of_hosts_and_of_the_environment() -> None:
    assert SHARED.keys() == connection_argument_spec().keys()
    plugin = yaml.safe_load(ModuleDocFragment.PLUGIN)["options"]
    for name, option in SHARED.items():
        assert option.pop("vars") == [{"name": f"ansible_gantry_{name}"}]
        assert option == plugin[name]


def test_no_variable_is_that_of_two_options() -> None:
    names = [one["name"] for option in (OWN | SHARED).values() for one in option.get("vars", ())]
    assert len(names) == len(set(names))
    assert not OWN.keys() & SHARED.keys()


def test_the_key_is_found_where_modules_find_it() -> None:
    assert OWN["guest_key"]["env"] == [{"name": "GANTRY_GUEST_KEY"}]

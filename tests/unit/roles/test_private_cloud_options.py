# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the role private_cloud that are a module's options take what the module takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from ansible_collections.gantry.vsphere.plugins.module_utils._access.options import access_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.options import bootstrap_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.options import settings_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.options import ruleset_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._image.options import image_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.options import port_group_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.options import pool_argument_spec
from devkit.console import ROOT

ROLE = ROOT / "roles" / "private_cloud"
SPEC = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())
VARIABLES: dict[str, Any] = SPEC["argument_specs"]["main"]["options"]
_COMPARED = ("type", "elements", "required", "default")
# What only playbooks need that check what other playbooks do.
_NOT_IN_ROLES = ("assume_", "planned_")


def suboptions(name: str) -> dict[str, Any]:
    return dict(VARIABLES[f"private_cloud_{name}"]["options"])


def shape(options: Mapping[str, Any], *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what matters of options, whether they are a module's or a role's."""
    return {
        name: {
            **{key: option[key] for key in _COMPARED if option.get(key) not in (None, False)},
            "choices": sorted(option.get("choices") or []),
            "options": shape(option.get("options", {})),
        }
        for name, option in options.items()
        if name not in without and not name.startswith(_NOT_IN_ROLES)
    }


def test_the_settings_of_a_cluster_are_those_of_drs_cluster() -> None:
    module = settings_argument_spec()
    role = suboptions("clusters")
    assert shape(role["drs"]["options"]) == shape(module, without=("ha",))
    assert shape(role["ha"]["options"]) == shape(module["ha"]["options"])


def test_a_ruleset_is_that_of_drs_ruleset() -> None:
    assert shape(suboptions("clusters")["ruleset"]["options"]) == shape(ruleset_argument_spec())


def test_a_resource_pool_is_that_of_resource_pool() -> None:
    module = pool_argument_spec()
    assert shape(suboptions("resource_pools")) == shape({**module["pools"]["options"], "cluster": module["cluster"]})


def test_a_port_group_is_that_of_port_group() -> None:
    assert shape(suboptions("port_groups")) == shape(port_group_argument_spec(), without=("datacenter", "state"))


@pytest.mark.parametrize("name", ["roles", "permissions"])
def test_roles_and_permissions_are_those_of_access(name: str) -> None:
    module = access_argument_spec()[name]["options"]
    assert shape(suboptions(name)) == shape(module, without=("state",))


@pytest.mark.parametrize("name", ["src", "checksum", "version"])
def test_the_bootstrap_iso_is_that_of_bootstrap_image(name: str) -> None:
    assert shape({name: suboptions("bootstrap")[name]}) == shape({name: bootstrap_argument_spec()[name]})


@pytest.mark.parametrize("name", ["username", "password", "auth_file", "tls_verify", "cert_dir"])
def test_the_registry_is_that_of_container_image(name: str) -> None:
    module = image_argument_spec()[f"registry_{name}"]
    assert shape({name: VARIABLES[f"private_cloud_registry_{name}"]}) == shape({name: module})


def test_the_defaults_are_those_of_the_argument_specification() -> None:
    described = {name: option["default"] for name, option in VARIABLES.items() if "default" in option}
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    # Where nothing is given the module's own default applies, which is the same by the test above.
    described.pop("private_cloud_registry_tls_verify")
    assert defaults == described


def test_secrets_are_not_logged() -> None:
    secret = {name for name, option in VARIABLES.items() if option.get("no_log")}
    assert secret == {"private_cloud_password", "private_cloud_registry_password"}

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show a Compose project as container_stack understands it. What it shows is in module_utils/_container_stack."""

from __future__ import annotations

DOCUMENTATION = r"""
name: compose_stack
short_description: Show a Compose project as container_stack understands it
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Reads a project of Compose files as M(gantry.vsphere.container_stack) does, and returns what its services become,
    and which attributes are refused or have no effect, with their files and lines. Nothing is read from vCenter.
  - Attributes that are not supported are no error here. They are in RV(_raw[].refused).
  - The contents of files, configs and secrets are not returned, only their sizes. Other values are, as they are after
    variables were replaced in them. Ansible does not mask them.
requirements:
  - The Python package C(gantry-vsphere-runtime) on the controller, which must be Linux on x86_64
options:
  _terms:
    description:
      - The directories of the projects. Relative ones are relative to the current directory, as in the module.
      - Without one, the current directory.
    type: list
    elements: path
  files:
    description:
      - The files of each project, as O(gantry.vsphere.container_stack#module:files).
    type: list
    elements: path
  definition:
    description:
      - The content of a Compose file, as O(gantry.vsphere.container_stack#module:definition).
    type: str
  project_name:
    description:
      - The name of the project, as O(gantry.vsphere.container_stack#module:project_name).
    type: str
  env_files:
    description:
      - Files with variables, as O(gantry.vsphere.container_stack#module:env_files).
    type: list
    elements: path
  profiles:
    description:
      - The profiles whose services are shown.
    type: list
    elements: str
    default: []
  compose_vars:
    description:
      - The variables that are replaced in the files, as O(gantry.vsphere.container_stack#module:variables). They are
        returned where the files use them.
    type: dict
    default: {}
  networks:
    description:
      - The port groups of the networks, as O(gantry.vsphere.container_stack#module:networks).
      - A network without one is in RV(_raw[].refused).
    type: dict
    default: {}
  scale:
    description:
      - Numbers of replicas by the names of services, as O(gantry.vsphere.container_stack#module:scale).
    type: dict
    default: {}
seealso:
  - module: gantry.vsphere.container_stack
"""

EXAMPLES = r"""
- name: Show what a project becomes
  ansible.builtin.debug:
    msg: "{{ lookup('gantry.vsphere.compose_stack', '/srv/shop', networks={'*': 'VM Network'}) }}"

- name: Stop if something in a project is not supported
  ansible.builtin.assert:
    that: refused == []
    fail_msg: "{{ refused }}"
  vars:
    refused: "{{ lookup('gantry.vsphere.compose_stack', '/srv/shop', networks={'*': 'VM Network'}).refused }}"
"""

RETURN = r"""
_raw:
  description: The projects.
  type: list
  elements: dict
  contains:
    project:
      description: The name of the project.
      type: str
      sample: shop
    services:
      description:
        - The services by their names. C(container) is the name of the containers without the number, C(replicas)
          their number, C(job) whether they are run to their end, C(depends_on) the services that come before,
          C(update_config) how running containers are changed, and C(options) the options of
          M(gantry.vsphere.container_vm).
      type: dict
      sample:
        web:
          container: shop-web
          replicas: 2
          job: false
          depends_on: [db]
          update_config: {}
          options:
            image: registry.example.com/shop/web:1.4
    networks:
      description: The port groups by the names of the networks; none if the task has to give it.
      type: dict
      sample:
        default: VM Network
    volumes:
      description:
        - The volumes by their names in the files. C(name) is the name of the volume, C(created) whether the stack
          creates it, C(labels) its labels, and C(driver_opts) the options of a directory of an NFS server.
      type: dict
      sample:
        data:
          name: shop_data
          created: true
          labels: {}
          driver_opts: {}
    refused:
      description: What M(gantry.vsphere.container_stack) refuses, each with its place and the reason.
      type: list
      elements: dict
      sample:
        - attribute: services.web.privileged
          file: /srv/shop/compose.yaml
          line: 7
          reason: A container is a virtual machine with a kernel of its own, so it shares nothing of a host.
    ignored:
      description: What is accepted without effect, in the same form.
      type: list
      elements: dict
      sample: []
    warnings:
      description: The warnings of the reference loader.
      type: list
      elements: str
      sample: []
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.entries import StackSettings
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.read import find_program, read_project
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.selection import select_services
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.desire_project import (
    compose_request,
    numbers_of_replicas,
    port_groups_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.result_overview import project_overview

_READ = ("files", "definition", "project_name", "env_files", "profiles")


class LookupModule(LookupBase):  # type: ignore[misc] # ansible-core has no types
    """Reads projects on the controller."""

    def run(
        self, terms: Sequence[str], variables: Mapping[str, Any] | None = None, **options: Any
    ) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=options)
        try:
            return [self._overview(directory) for directory in terms or (None,)]
        except GantryError as error:
            raise AnsibleLookupError("\n".join(error.details.get("problems", [error.message]))) from error

    def _overview(self, directory: str | None) -> dict[str, Any]:
        given = {option: self.get_option(option) for option in _READ}
        params = {
            **given,
            "project_src": None if directory is None else str(directory),
            "variables": self.get_option("compose_vars"),
            "secret_variables": {},
        }
        project = read_project(compose_request(params), find_program())
        everything = select_services(project, None, dependencies=True)
        settings = StackSettings(
            networks=port_groups_of(self.get_option("networks"), project),
            scale=numbers_of_replicas(self.get_option("scale"), project, everything),
        )
        return project_overview(project, settings)

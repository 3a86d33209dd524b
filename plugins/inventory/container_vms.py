# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory of container VMs. What a host is made of is in module_utils/_container_inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: container_vms
short_description: Inventory of containers that run as virtual machines
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Makes each container of a vCenter a host, with what is known of it as variables, and groups them.
  - The number of requests does not depend on the number of virtual machines, except that large answers come in pages of
    2,000.
  - The name of the inventory file must end with V(container_vms.yml) or V(container_vms.yaml).
extends_documentation_fragment:
  - gantry.vsphere.vcenter.plugin
  - gantry.vsphere.privileges.container_vms
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description:
      - Must be V(gantry.vsphere.container_vms).
    type: str
    required: true
    choices: [gantry.vsphere.container_vms]
  filters:
    description:
      - Only containers that match all of these are hosts.
    type: dict
    default: {}
    suboptions:
      name:
        description:
          - The names of the containers.
          - A name that no container has is not an error.
        type: list
        elements: str
        aliases: [names]
      labels:
        description:
          - Labels that the containers must have, with just these values.
        type: dict
      datacenter:
        description:
          - The datacenter that the containers are in, by name or path.
        type: str
      folder:
        description:
          - The folder that the containers are in or below, by its path below the datacenter's or its inventory path.
        type: str
      cluster:
        description:
          - The clusters that the containers are in, by name or path.
        type: list
        elements: str
      host:
        description:
          - The ESXi hosts that the containers are on, by name or path.
        type: list
        elements: str
      state:
        description:
          - The states of the VMs.
        type: list
        elements: str
        choices: [running, stopped, suspended]
      health:
        description:
          - The health of the containers. Only a running container has one; it is V(none) without a health check.
        type: list
        elements: str
        choices: [starting, healthy, unhealthy, none]
  hostnames:
    description:
      - What the host is called, as names of variables or as Jinja2 expressions over them. The first one that gives a
        text that is not empty is used.
      - If two containers get the same name, the inventory is refused, and the message lists their paths.
    type: list
    elements: str
    default: [name]
  group_by:
    description:
      - What to make groups of, in addition to O(groups) and O(keyed_groups), and much faster than by expressions.
      - The name of a group begins with the word given here, as in C(cluster_C0), C(host_esx1_example_com),
        C(health_healthy), C(state_running), C(datacenter_DC0) or C(folder_DC0_vm_apps).
      - V(image) makes a group of each reference, as C(image_registry_example_com_nginx_1_27).
      - V(label) makes a group of each label and its value, as C(label_tier_front).
      - V(stack) and V(service) make groups of the Compose projects of M(gantry.vsphere.container_stack) and of their
        services, as C(stack_shop) and C(service_shop_web).
      - A container that is not running has no health and is in no group of it.
    type: list
    elements: str
    choices: [cluster, datacenter, folder, health, host, image, label, service, stack, state]
    default: []
notes:
  - The variables of a host are what M(gantry.vsphere.container_vm_info) returns of the container, without C(bootstrap)
    and C(name). Ansible reserves C(name) for itself; it can be used in expressions, and C(path) ends with it.
  - C(ansible_host) is the container's first IP address. Set it in O(compose) if another one must be used.
  - What guests and vCenter report is never evaluated as a template.
  - Characters that are not allowed in the name of a group are replaced by C(_).
  - The options O(hostname), O(username), O(password) and O(proxy_host) may be Jinja2 expressions, for example lookups.
  - O(cache) keeps the facts of the containers that O(filters) select. Each vCenter, user and selection has a cache of
    its own. It holds no password.
seealso:
  - module: gantry.vsphere.container_vm
  - module: gantry.vsphere.container_vm_info
"""

EXAMPLES = r"""
# The first line is enough in shop.container_vms.yml, if VMWARE_HOST, VMWARE_USER and VMWARE_PASSWORD configure the
# connection. The rest selects the healthy containers of a project, in groups by label, cluster and host.
plugin: gantry.vsphere.container_vms
hostname: vcenter.example.com
username: inventory@vsphere.local
password: "{{ lookup('ansible.builtin.env', 'INVENTORY_PASSWORD') }}"
ca_path: /etc/ssl/vcenter-ca.pem
filters:
  labels:
    project: shop
  health: [healthy]
group_by:
  - label
  - cluster
  - host

# Groups and variables by expressions
strict: true
hostnames:
  - labels.dns_name
  - name
compose:
  ansible_host: ip_addresses | ansible.utils.ipv6 | first
  ansible_user: "'root'"
groups:
  large: memory >= 1073741824
  broken: error is not none or oom_killed
keyed_groups:
  - key: labels.tier
    prefix: tier
  - key: resource_pool
    prefix: pool
    parent_group: pools

# A cache of five minutes
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: /var/cache/ansible/inventory
cache_timeout: 300
"""

from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.utils.vars import combine_vars

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.model import Facts
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.operation import ContainerVms
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.result import (
    group_names,
    host_names,
    host_variables,
)
from ansible_collections.gantry.vsphere.plugins.plugin_utils.inventory import OperationInventory, untrusted


class InventoryModule(OperationInventory):
    NAME = "gantry.vsphere.container_vms"
    operation = ContainerVms()

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        containers = untrusted(self.read(path, cache)["containers"])
        try:
            hosts = host_names(containers, self._host_name)
        except GantryError as error:
            raise AnsibleParserError(error.message) from error
        groups = [self._groups_of(facts) for _name, facts in hosts]
        taken = {*self.inventory.groups, *(group for found in groups for group in found)}
        for (name, facts), found in zip(hosts, groups, strict=True):
            if name in taken:
                # Ansible would set the variables of the host for all hosts of the group.
                self.display.warning(
                    f"The container {facts['path']} is left out: {name} is the name of a group. Set hostnames to an "
                    "expression that tells hosts and groups apart."
                )
            else:
                self._add_host(name, facts, found)

    def _host_name(self, facts: Facts) -> str:
        """Return the first name that the expressions of ``hostnames`` give."""
        problem = ""
        for expression in self.get_option("hostnames"):
            try:
                # Most are the name of a variable, which is thousands of times cheaper than an expression.
                found = facts[expression] if expression in facts else self._compose(expression, facts)
            except AnsibleError as error:
                problem = f" The last error is: {error}."
                continue
            if found and isinstance(found, str):
                return found
        raise GantryError(
            f"No expression in hostnames gives a name for the container {facts['path']}.{problem} "
            "Add one that always does, such as name."
        )

    def _groups_of(self, facts: Facts) -> list[str]:
        return [self._sanitize_group_name(group) for group in group_names(facts, self.get_option("group_by"))]

    def _add_host(self, name: str, facts: Facts, groups: list[str]) -> None:
        self.inventory.add_host(name)
        variables = host_variables(facts)
        for key, value in variables.items():
            self.inventory.set_variable(name, key, value)
        for group in groups:
            self.inventory.add_child(self.inventory.add_group(group), name)
        strict = self.get_option("strict")
        variables = {**facts, **variables}
        self._set_composite_vars(self.get_option("compose"), variables, name, strict)
        composed, keyed = self.get_option("groups"), self.get_option("keyed_groups")
        if composed or keyed:
            variables = combine_vars(variables, self.inventory.get_host(name).get_vars())
            self._add_host_to_composed_groups(composed, variables, name, strict, fetch_hostvars=False)
            self._add_host_to_keyed_groups(keyed, variables, name, strict, fetch_hostvars=False)

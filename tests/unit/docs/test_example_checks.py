# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that wrong examples are found. The checks of the documentation's examples rest on that."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support.docs import examples

PLAY = """
- name: A play
  hosts: localhost
  gather_facts: false
  tasks:
    - name: A task
      {task}
"""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- gantry.vsphere.vm_folder: {path: a, sate: absent}", "vm_folder: sate. Supported parameters include"),
        ("- gantry.vsphere.vm_folder: {path: a, state: gone}", "value of state must be one of"),
        ("- gantry.vsphere.host_maintenance: {state: absent}", "missing required arguments: host"),
        ("- gantry.vsphere.container_vm: {name: 'a b', image: b}", "A container's name has letters"),
        ("- gantry.vsphere.container_vm: {name: '{{ a }}', imag: '{{ b }}'}", "imag. Supported parameters include"),
        ("- gantry.vsphere.container_vm: {name: a, image: b, networks: [{name: c, nam: c}]}", "networks.nam"),
        ("- gantry.vsphere.container_vn: {name: a}", "there is no module gantry.vsphere.container_vn"),
        ("- container_vm: {name: a}", "container_vm is neither a module of this collection nor of ansible.builtin"),
        ("- ansible.builtin.uri: {ulr: a}", "ansible.builtin.uri has no option ulr"),
        ("- ansible.builtin.nothing: {}", "there is no module ansible.builtin.nothing"),
        ("- {name: a, whn: b, ansible.builtin.debug: {msg: a}}", "has not one module but: whn, ansible.builtin.debug"),
        ("- {name: a, block: [{ansible.builtin.debug: {mgs: a}}]}", "ansible.builtin.debug has no option mgs"),
        ("- {hosts: a, task: []}", "task is not a keyword of a play"),
        (PLAY.format(task="ansible.builtin.debug: {mgs: a}"), "ansible.builtin.debug has no option mgs"),
        ("- ansible.builtin.import_playbook: gantry.vsphere.nothing", "there is no playbook gantry.vsphere.nothing"),
        ("- {hosts: a, roles: [gantry.vsphere.nothing]}", "there is no role gantry.vsphere.nothing"),
        ("- {hosts: a, module_defaults: {group/gantry.vsphere.all: {hostnam: a}}}", "have the option hostnam"),
        ("- {hosts: a, module_defaults: {gantry.vsphere.vm_folder: {pat: a}}}", "have the option pat"),
        ("{plugin: gantry.vsphere.container_vms, filtres: {}}", "filtres. Supported parameters include"),
        ("{plugin: gantry.vsphere.container_vms, filters: {nme: a}}", "filters.nme. Supported parameters include"),
        ("{plugin: gantry.vsphere.container_vms, group_by: [hosts]}", "value of group_by must be one or more of"),
        ("{plugin: gantry.vsphere.nothing}", "there is no inventory plugin gantry.vsphere.nothing"),
        ("- gantry.vsphere.container_stack: {project_src: /srv/a, scale: {web: -1}}", "scale of web is -1"),
        ("{services: {a: {image: a, privileged: true}}}", "services.a.privileged is not supported"),
        ("{services: {a: {imag: a}}}", "The nearest one is image"),
        ("{something: 1}", "something is a variable of no role of this collection, and nothing on the page uses it"),
    ],
)
def test_a_wrong_example_is_found(text: str, problem: str) -> None:
    (found,) = examples.problems(yaml.safe_load(text))
    assert problem in found


def test_variables_that_a_page_uses_are_accepted() -> None:
    assert examples.problems({"image": "a"}, variables=frozenset({"image"})) == []


ROLE = """
argument_specs:
  main:
    options:
      site_name: {type: str, required: true}
      site_pools:
        type: list
        elements: dict
        options:
          path: {type: str, required: true, description: [Its path.]}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Create a collection that has one role."""
    specs = tmp_path / "roles" / "site" / "meta" / "argument_specs.yml"
    specs.parent.mkdir(parents=True)
    specs.write_text(ROLE)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- {hosts: a, roles: [{role: gantry.vsphere.site, vars: {site_nam: a, site_name: b}}]}", "site_nam"),
        (
            "- {ansible.builtin.include_role: {name: gantry.vsphere.site}, vars: {site_name: a, site_pools: [{}]}}",
            "site_pools",
        ),
        ("- {hosts: a, vars: {site_pools: [{pth: a, path: b}]}, tasks: []}", "pth"),
        ("{site_pools: [{pth: a, path: b}]}", "pth"),
        ("{vcenters: {hosts: {vc1: {site_pools: [{pth: a, path: b}]}}}}", "pth"),
        ("{all: {children: {vcenters: {vars: {site_nam: a}}}}}", "site_nam"),
    ],
)
def test_a_wrong_variable_of_a_role_is_found(root: Path, text: str, problem: str) -> None:
    (found,) = examples.problems(yaml.safe_load(text), root)
    assert problem in found


@pytest.mark.parametrize(
    "text",
    [
        "{site_pools: [{path: '{{ a }}'}], vault_password: a}",
        "{vcenters: {hosts: {vc1: {site_pools: '{{ pools }}'}, vc2: }}}",
        "- {hosts: a, roles: [gantry.vsphere.site]}",
        "- {hosts: a, roles: [{role: gantry.vsphere.site, site_name: a}]}",
    ],
)
def test_right_variables_of_a_role_are_accepted(root: Path, text: str) -> None:
    assert examples.problems(yaml.safe_load(text), root) == []

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test on which hosts the containers of a service are to run, from the file on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.entries import StackSettings, stack_entries
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposeRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.placement import (
    ServicePlacement,
    service_placements,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.read import read_project

Place = Callable[[str], tuple[ServicePlacement, list[str]]]
PLACE = "definition:3: services.a"


@pytest.fixture
def place(program: Path, tmp_path: Path) -> Place:
    """Return the placement of a service with these attributes, and what is refused."""

    def run(attributes: str) -> tuple[ServicePlacement, list[str]]:
        text = f"name: shop\nservices:\n  a: {{image: a, {attributes}}}\n"
        project = read_project(ComposeRequest(tmp_path, definition=text), program)
        _entries, refusals = stack_entries(project, StackSettings(networks={"*": "VM Network"}))
        (found,) = service_placements(project, refusals)
        return found, [str(one) for one in refusals.found]

    return run


@pytest.mark.parametrize(
    ("attributes", "placement"),
    [
        ("labels: {}", ServicePlacement("a", PLACE)),
        ("x-gantry: {anti_affinity: false}", ServicePlacement("a", PLACE, anti_affinity=False)),
        ("x-gantry: {anti_affinity: 'yes'}", ServicePlacement("a", PLACE, anti_affinity=True)),
        (
            "x-gantry: {host_group: licensed, mandatory: true}",
            ServicePlacement("a", PLACE, host_group="licensed", mandatory=True),
        ),
        (
            "deploy: {placement: {preferences: [spread: node.hostname]}}",
            ServicePlacement("a", PLACE, anti_affinity=True),
        ),
        (
            "deploy: {placement: {max_replicas_per_node: 1}}",
            ServicePlacement("a", PLACE, anti_affinity=True, apart=True),
        ),
        ("deploy: {placement: {max_replicas_per_node: 0}}", ServicePlacement("a", PLACE)),
        (
            'deploy: {placement: {constraints: ["node.hostname==e1", "node.hostname == E1", "node.hostname != e2"]}}',
            ServicePlacement("a", PLACE, hosts=("E1",)),
        ),
        (
            'deploy: {placement: {constraints: ["node.hostname != e1", "node.hostname!=e2"]}}',
            ServicePlacement("a", PLACE, avoided=("e1", "e2")),
        ),
    ],
)
def test_placement_and_extension_say_where_a_service_runs(
    place: Place, attributes: str, placement: ServicePlacement
) -> None:
    assert place(attributes) == (placement, [])


@pytest.mark.parametrize(
    ("attributes", "refused"),
    [
        (
            "deploy: {placement: {constraints: [node.labels.zone == a]}}",
            "definition:3: services.a.deploy.placement.constraints.0 is not supported. It is 'node.labels.zone == a'.",
        ),
        (
            "deploy: {placement: {constraints: [engine.labels.x == a]}}",
            "Hosts of vSphere have no labels of nodes, and tags are not read. Put the",
        ),
        (
            "deploy: {placement: {constraints: [node.role == manager]}}",
            "constraints.0 is not supported. It is 'node.role == manager'. A host of vSphere has no such property.",
        ),
        ('deploy: {placement: {constraints: ["node.hostname = e1"]}}', "Give a constraint such as node.hostname == e"),
        ('deploy: {placement: {constraints: ["node.hostname =="]}}', "Give a constraint such as node.hostname == esx1"),
        (
            "deploy: {placement: {constraints: [node.hostname == e1, node.hostname == e2]}}",
            "services.a.deploy.placement.constraints is not supported. No host meets all of them.",
        ),
        (
            "deploy: {placement: {constraints: [node.hostname == e1, node.hostname != E1]}}",
            "No host meets all of them. For one of several hosts, give host_group.",
        ),
        (
            "deploy: {placement: {preferences: [spread: node.labels.zone]}}",
            "preferences.0 is not supported. It spreads over node.labels.zone. Hosts of vSphere have no labels",
        ),
        (
            "deploy: {placement: {preferences: [spread: node.id]}}",
            "It spreads over node.id. A host of vSphere has no such property. The only one is node.hostname.",
        ),
        (
            "deploy: {placement: {max_replicas_per_node: 2}}",
            "services.a.deploy.placement.max_replicas_per_node is not supported. It is 2, and rules of DRS know no",
        ),
        (
            "deploy: {placement: {max_replicas_per_node: 1}}, x-gantry: {anti_affinity: false}",
            "x-gantry.anti_affinity is not supported. It is false, and deploy.placement.max_replicas_per_node asks",
        ),
        (
            "deploy: {placement: {preferences: [spread: node.hostname]}}, x-gantry: {anti_affinity: false}",
            "It is false, and deploy.placement.preferences asks for different hosts.",
        ),
        (
            "deploy: {placement: {constraints: [node.hostname == e1]}}, x-gantry: {host_group: g}",
            "x-gantry.host_group is not supported. deploy.placement.constraints has hosts, too. Give one of both.",
        ),
        ("x-gantry: {mandatory: true}", "There are no hosts that it could be about. Give host_group or constraints."),
        ("x-gantry: {anti_affinity: maybe}", "x-gantry.anti_affinity is not supported. It is 'maybe'. Give true or f"),
        ("x-gantry: {host_groups: g}", "Did you mean host_group? A service may have anti_affinity, cluster,"),
        ("x-gantry: {host_group: [g]}", "x-gantry.host_group is not supported. It is ['g']. Give a single value."),
    ],
)
def test_what_cannot_be_a_rule_is_refused_with_its_place(place: Place, attributes: str, refused: str) -> None:
    _placement, (found,) = place(attributes)
    assert refused in found

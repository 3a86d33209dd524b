# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run container_stack against the lab in check mode, then really, then again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import PREDECESSOR_SUFFIX, SUCCESSOR_SUFFIX
from tests.support.lab.containers import VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.drs import ClusterObserver
from tests.support.lab.projects import vm_images

# The most requests of a task with nothing to do.
BUDGET = 20


def stack_options(lab: Mapping[str, Any], cache: Path) -> dict[str, Any]:
    """Return the options of a task besides its project."""
    return {
        **lab["vcenter"],
        "cluster": lab["cluster"],
        "datastore": lab["datastore"],
        "networks": {"*": "VM Network"},
        "volume_size": "64M",
        "registry_tls_verify": False,
        "cache_path": str(cache),
        "guest_key": "key-of-the-stack",
    }


def container_names(result: Mapping[str, Any]) -> list[str]:
    return sorted(one["name"] for one in result["containers"])


def run_predicted(options: Mapping[str, Any], calls: Control) -> dict[str, Any]:
    """Return the result of the real run, which check mode must predict without a change."""
    calls.forget()
    predicted = drive("container_stack", options, check=True)
    assert "failed" not in predicted, predicted
    assert calls.mutating() == []
    done = drive("container_stack", options)
    assert "failed" not in done, done
    assert predicted["actions"] == done["actions"]
    assert predicted["diff"] == done["diff"]
    assert (predicted["slots"], predicted["kept_images"]) == (done["slots"], done["kept_images"])
    assert predicted["durations"] == {}
    changed = {one["container"] for one in done["slots"] if one["action"] != "none"}
    assert changed == done["durations"].keys()
    assert container_names(predicted) == container_names(done)
    return done


def converge_stack(options: Mapping[str, Any], calls: Control) -> dict[str, Any]:
    """Return the result of the real run, which check mode must predict and after which nothing is to do."""
    done = run_predicted(options, calls)
    calls.forget()
    again = drive("container_stack", options)
    assert (again["changed"], again["actions"], calls.mutating()) == (False, [], []), again
    assert {one["action"] for one in again["slots"]} <= {"none"}
    assert len(calls.methods()) <= BUDGET, calls.methods()
    return done


@dataclass(frozen=True)
class Stack:
    """A project, tasks for it, and what is in vCenter of it."""

    name: str
    options: Mapping[str, Any]
    builder: VmBuilder
    calls: Control
    cluster: ClusterObserver

    def task(self, services: Mapping[str, Any], *, top: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Return the options of a task. ``top`` are the other parts of the file."""
        definition = {"name": self.name, "services": services, **(top or {})}
        return {**self.options, "definition": json.dumps(definition), **more}

    def settle(self, task: Mapping[str, Any], expected: Mapping[str, str]) -> dict[str, Any]:
        """Run a task that must succeed, and again, which changes nothing; then only the expected VMs are left."""
        self.calls.release()
        done = drive("container_stack", task)
        assert "failed" not in done, done
        again = drive("container_stack", task)
        assert (again.get("changed"), again.get("actions")) == (False, []), again
        self.assert_only(expected)
        return done

    def vms(self) -> dict[str, tuple[str, str, bool]]:
        """Return the id, the image, and whether it is on, of each VM of the project, not of other tests."""
        return vm_images(self.builder.session, f"{self.name}-")

    def volumes(self) -> list[dict[str, Any]]:
        """Return the volumes of the project, as container_volume_info describes them."""
        found = drive("container_volume_info", {**self.builder.lab["vcenter"]})["volumes"]
        return [one for one in found if one["name"].startswith(f"{self.name}_")]

    def assert_only(self, expected: Mapping[str, str]) -> None:
        """Assert that there are just the containers with these images, all on, and nothing that no one owns."""
        found = self.vms()
        assert {name: image for name, (_moid, image, on) in found.items() if on} == dict(expected), found
        assert found.keys() == expected.keys()
        assert not [name for name in found if name.endswith((PREDECESSOR_SUFFIX, SUCCESSOR_SUFFIX))]
        rules = self.cluster.rules()
        assert all(name.startswith(f"gantry:{self.name}:") and len(one["vms"]) > 1 for name, one in rules.items())
        assert self.cluster.groups() == {}
        assert [one["name"] for one in self.volumes() if not one["attached_to"] and expected] == []

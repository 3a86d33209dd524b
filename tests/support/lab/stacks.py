# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run container_stack against the lab in check mode, then really, then again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.lab.control import Control
from tests.support.lab.drive import drive

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

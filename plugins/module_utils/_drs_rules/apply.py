# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apply a plan in one reconfiguration, and verify that no concurrent change by another client overwrites it.

In which order vCenter makes the changes of one reconfiguration is not documented. If it refuses them together, they are
made in steps in which no change depends on another one.

vSphere has no conditional update of a group: adding a member writes the whole membership, and if two clients do that
at the same time, the first one's member is lost. So a change is merged into a configuration that was read at most a
second before, and the configuration is read again twice after the write. The second read comes after a pause that is
longer than that second: a client that had read the configuration before our write has written by then. What was lost
is written again, on top of the other client's changes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.changes import RulesChange
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.encode import encode_changes, encode_steps
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    ClusterRules,
    ObservedRules,
    RulesSnapshot,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.observe import read_snapshot
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# The maximum age of the configuration that a write is based on, and the pause before it is read a second time.
_MAX_AGE = 1.0
_PAUSE = 2.0
# How many writes are tried before the task fails because another client undoes them.
_ROUNDS = 5

# The faults of changes that vCenter may accept one after the other.
_ORDER_FAULTS = frozenset({"AlreadyExists", "DuplicateName", "InvalidArgument", "ResourceInUse"})

Planner = Callable[[ClusterRules], Plan[RulesChange]]


class _NothingLeftError(GantryError):
    """Another client has made the change in the meantime."""


@dataclass
class _Write:
    """One reconfiguration, planned from a fresh read by the call that starts it."""

    session: Session
    cluster: Entry
    planner: Planner
    snapshot: RulesSnapshot
    starts: int = 0
    plan: Plan[RulesChange] = field(default_factory=Plan)

    def start(self) -> Any:
        # A second start follows a failure to get a lock, because another client was writing.
        if self.starts or time.monotonic() - self.snapshot.at > _MAX_AGE:
            self.snapshot = read_snapshot(self.session, self.cluster)
        self.starts += 1
        self.plan = self.planner(self.snapshot.rules)
        if not self.plan.changed:
            raise _NothingLeftError(f"{self.cluster.name} already matches.")
        return self.cluster.ref.ReconfigureComputeResource_Task(encode_changes(self.session, self.plan.changes), True)


def apply_rules(
    session: Session, observed: ObservedRules, replan: Callable[[ObservedRules], Plan[RulesChange]], report: Report
) -> ObservedRules:
    """Write the rules and return them as read afterwards; ``replan`` returns the changes that are still missing."""
    if observed.place.planned:
        raise GantryError(
            f"planned_vms has {listed(sorted(observed.place.planned))}, and no such VM exists. planned_vms is for "
            "check mode. Create the VMs first."
        )

    def planner(rules: ClusterRules) -> Plan[RulesChange]:
        return replan(replace(observed, snapshot=replace(observed.snapshot, rules=rules)))

    return replace(observed, snapshot=_write(session, observed.place.cluster, planner, observed.snapshot, report))


def _write(
    session: Session, cluster: Entry, planner: Planner, snapshot: RulesSnapshot, report: Report
) -> RulesSnapshot:
    """Write the changes that ``planner`` returns until there are none; return the last snapshot."""
    for _round in range(_ROUNDS):
        write = _Write(session, cluster, planner, snapshot)
        written = _run(write, report)
        snapshot = read_snapshot(session, cluster)
        left = planner(snapshot.rules)
        if written and not left.changed and any(change.rewrites for change in write.plan.changes):
            report(f"checking {cluster.name} again in {_PAUSE:g} s for concurrent changes")
            time.sleep(_PAUSE)
            snapshot = read_snapshot(session, cluster)
            left = planner(snapshot.rules)
        if not left.changed:
            return snapshot
        if written:
            report(f"another client has undone a part of the change; writing again: {', '.join(left.actions())}")
    raise GantryError(
        f"The rules of {cluster.path} were written {_ROUNDS} times, and each time this was undone: "
        f"{', '.join(left.actions())}. Either another client manages the same rules and one of the two has to "
        "stop, or vCenter disables a rule because it conflicts with an older one."
    )


def _run(write: _Write, report: Report) -> bool:
    """Return whether it was written: False if another client's change has made it unnecessary or changed the plan."""
    (outcome,) = write.session.run([Job(write.cluster.name, "reconfigure", write.start)], report)
    error = outcome.error
    if error is None:
        return True
    if isinstance(error, _NothingLeftError):
        return False
    if isinstance(error, FaultError):
        # The fault may be due to a concurrent change only, such as a second group with the same name.
        now = write.planner(read_snapshot(write.session, write.cluster).rules)
        if now != write.plan:
            report(f"{error.message} The rules have been changed by another client in the meantime; retrying.")
            return False
        steps = encode_steps(write.session, now.changes) if error.kind in _ORDER_FAULTS else []
        if len(steps) > 1:
            report(f"{error.message} Making the changes in {len(steps)} steps.")
            return _run_steps(write, steps, now, report)
        raise _refused(error, now) from error
    raise error


def _run_steps(write: _Write, steps: Sequence[Any], plan: Plan[RulesChange], report: Report) -> bool:
    """Make the changes one step after the other; a fault ends the task, with the steps before it made."""

    def starter(spec: Any) -> Callable[[], Any]:
        return lambda: write.cluster.ref.ReconfigureComputeResource_Task(spec, True)

    for number, spec in enumerate(steps, start=1):
        (outcome,) = write.session.run([Job(write.cluster.name, "reconfigure", starter(spec))], report)
        if isinstance(outcome.error, FaultError):
            raise _refused(outcome.error, plan, f" This is step {number} of {len(steps)}.") from outcome.error
        if outcome.error is not None:
            raise outcome.error
    return True


def _refused(error: FaultError, plan: Plan[RulesChange], where: str = "") -> GantryError:
    return GantryError(
        f"{error.message.rstrip('.')}.{where} The request was to {', '.join(plan.actions())}.", fault=error.fault
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out a plan in one reconfiguration, and sees to it that nothing of it is lost to others who write too.

vSphere cannot be asked to change a group only if it is still as it was read: whoever adds a member writes the whole
membership, and of two who do that at once the first one's member is lost. So what is written is merged into a read
that is at most a second old; and what was written is read again, twice, the second time after a pause that is longer
than that second: whoever wrote from a read that had not yet seen our write has written by then. What was lost is
written again, on top of theirs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.changes import RulesChange
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.encode import encode_changes
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

# How old a read may be that a write is made from, and how long after a write a second look is taken.
_MAX_AGE = 1.0
_PAUSE = 2.0
# How often something is written before we say that somebody else does not let it be.
_ROUNDS = 5

Planner = Callable[[ClusterRules], Plan[RulesChange]]


class _NothingLeftError(GantryError):
    """Somebody else has done it meanwhile."""


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
        # A second start follows a refusal for want of a lock: somebody else was writing.
        if self.starts or time.monotonic() - self.snapshot.at > _MAX_AGE:
            self.snapshot = read_snapshot(self.session, self.cluster)
        self.starts += 1
        self.plan = self.planner(self.snapshot.rules)
        if not self.plan.changed:
            raise _NothingLeftError(f"{self.cluster.name} is as wanted")
        return self.cluster.ref.ReconfigureComputeResource_Task(encode_changes(self.session, self.plan.changes), True)


def apply_rules(
    session: Session, observed: ObservedRules, replan: Callable[[ObservedRules], Plan[RulesChange]], report: Report
) -> ObservedRules:
    """Write the rules and return them as read afterwards; ``replan`` tells what is still missing."""

    def planner(rules: ClusterRules) -> Plan[RulesChange]:
        return replan(replace(observed, snapshot=replace(observed.snapshot, rules=rules)))

    return replace(observed, snapshot=_write(session, observed.place.cluster, planner, observed.snapshot, report))


def _write(
    session: Session, cluster: Entry, planner: Planner, snapshot: RulesSnapshot, report: Report
) -> RulesSnapshot:
    """Write what ``planner`` says is missing until nothing is; what there is then."""
    for _round in range(_ROUNDS):
        write = _Write(session, cluster, planner, snapshot)
        written = _run(write, report)
        snapshot = read_snapshot(session, cluster)
        left = planner(snapshot.rules)
        if written and not left.changed and any(change.rewrites for change in write.plan.changes):
            report(f"looking at {cluster.name} once more in {_PAUSE:g} s, for others who write at the same time")
            time.sleep(_PAUSE)
            snapshot = read_snapshot(session, cluster)
            left = planner(snapshot.rules)
        if not left.changed:
            return snapshot
        if written:
            report(f"somebody else has undone a part of it; writing again: {', '.join(left.actions())}")
    raise GantryError(
        f"The rules of {cluster.path} were written {_ROUNDS} times, and each time this was undone: "
        f"{', '.join(left.actions())}. Either somebody else manages them too, and one of the two has to stop; or "
        "vCenter disables a rule because it contradicts an older one."
    )


def _run(write: _Write, report: Report) -> bool:
    """Whether it was written. False where somebody else's write has made it unnecessary or other than planned."""
    (outcome,) = write.session.run([Job(write.cluster.name, "reconfigure", write.start)], report)
    error = outcome.error
    if error is None:
        return True
    if isinstance(error, _NothingLeftError):
        return False
    if isinstance(error, FaultError):
        # It may be refused only because somebody else has been faster, as with a second group of a name.
        now = write.planner(read_snapshot(write.session, write.cluster).rules)
        if now != write.plan:
            report(f"{error.message}; others have changed the rules meanwhile, so once more")
            return False
        raise GantryError(
            f"{error.message.rstrip('.')}. It was asked to {', '.join(now.actions())}.", fault=error.fault
        ) from error
    raise error

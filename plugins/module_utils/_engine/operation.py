# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The interface of every module's operation: desire, observe, plan, apply, result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Change, Plan

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


@dataclass(frozen=True)
class Effect:
    """How a plan changes an object that exists, such as ``restarted``, and the options that are the reason."""

    name: str
    effect: str
    options: tuple[str, ...]


D = TypeVar("D")
O = TypeVar("O")  # noqa: E741 - the contract's names: desired, observed, change
C = TypeVar("C", bound=Change)


class Operation(ABC, Generic[D, O, C]):
    """The operation of one module. Stateless: one instance serves every task of a process."""

    name: str
    argument_spec: Mapping[str, Any]
    mutually_exclusive: Sequence[Sequence[str]] = ()
    required_together: Sequence[Sequence[str]] = ()
    required_one_of: Sequence[Sequence[str]] = ()
    required_if: Sequence[Sequence[Any]] = ()
    required_by: Mapping[str, Sequence[str]] = {}
    # Whether the plan says what the task would do. If not, the task is skipped in check mode.
    supports_check_mode: bool = True

    def refuse(self, options: Iterable[str]) -> None:
        """Refuse options of a task that are known from elsewhere and not in the argument spec, with the reason.

        It is called with the names of all given options before they are validated. Without it, Ansible would only say
        that they are unsupported.
        """
        del options  # none are known

    @abstractmethod
    def desire(self, params: Mapping[str, Any]) -> D:
        """Return the validated desired state. Pure; raises GantryError on invalid input."""

    @abstractmethod
    def observe(self, session: Session, desired: D) -> O:
        """Return the observed state. Reads only."""

    @abstractmethod
    def plan(self, desired: D, observed: O) -> Plan[C]:
        """Return the changes that lead from observed to desired. Pure; raises GantryError if that is impossible."""

    @abstractmethod
    def apply(self, session: Session, desired: D, observed: O, plan: Plan[C], report: Report) -> O:
        """Make the changes and return the state observed afterwards. The only step that mutates."""

    def predict(self, desired: D, observed: O, plan: Plan[C]) -> O:
        """Return the state that check mode reports: the observed state with the changes of the plan made. Pure."""
        return plan.project(observed)

    def effects(self, plan: Plan[C]) -> Sequence[Effect] | None:
        """Return how the plan changes objects that exist; None if the actions of the module say that. Pure."""
        del plan  # the actions say it
        return None

    def summary(self, desired: D, observed: O, plan: Plan[C]) -> dict[str, Any]:
        """Return what the result says about the plan besides ``actions`` and ``effects``. Pure.

        It gets the state before the changes, so that check mode returns the same as the run that it predicts.
        """
        del desired, observed, plan  # the actions and effects say it
        return {}

    @abstractmethod
    def result(self, desired: D, observed: O) -> dict[str, Any]:
        """Return the task's result except ``changed``, ``actions``, ``effects`` and ``diff``."""


class InfoOperation(Operation[D, O, Change]):
    """A read-only operation: its plan is always empty."""

    def plan(self, desired: D, observed: O) -> Plan[Change]:
        return Plan()

    def apply(self, session: Session, desired: D, observed: O, plan: Plan[Change], report: Report) -> O:
        return observed

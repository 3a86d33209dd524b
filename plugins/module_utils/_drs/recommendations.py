# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What DRS recommends, and the choice of what of it is applied or refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._core.plan import Plan, nested
from ansible_collections.gantry.vsphere.plugins.module_utils._drs.model import Surroundings
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selecting import VmSelector, parse_selectors

LIST = "list"
APPLY = "apply"
CANCEL = "cancel"
ACTIONS = (LIST, APPLY, CANCEL)


@dataclass(frozen=True)
class Move:
    """A migration, or without a source the host that a VM is to be powered on at; by MoIDs."""

    vm: str
    source: str | None
    destination: str


@dataclass(frozen=True)
class Recommendation:
    """One recommendation. ``others`` are its actions that are not migrations, as the API calls them."""

    key: str
    reason: str
    text: str
    rating: int
    moves: tuple[Move, ...] = ()
    others: tuple[str, ...] = ()
    prerequisites: tuple[str, ...] = ()

    @property
    def is_placement(self) -> bool:
        """Whether it only says where VMs are to be powered on."""
        return bool(self.moves) and not self.others and all(move.source is None for move in self.moves)

    def describe(self, around: Surroundings) -> str:
        parts = [_move(move, around) for move in self.moves] + list(self.others)
        return f"recommendation {self.key} ({self.reason}): {', '.join(parts) or self.text}"


@dataclass(frozen=True)
class Choice:
    """Which recommendations a task is about: those that fit all that is given."""

    cluster: str | None
    datacenter: str | None
    action: str
    keys: tuple[str, ...] | None = None
    reasons: tuple[str, ...] | None = None
    vms: tuple[VmSelector, ...] | None = None
    wait: bool = True
    wait_timeout: int = 600


@dataclass(frozen=True)
class ChangeRecommendation:
    """One recommendation is applied, or cancelled."""

    around: Surroundings
    recommendation: Recommendation
    cancel: bool

    def describe(self) -> str:
        return f"{CANCEL if self.cancel else APPLY} {self.recommendation.describe(self.around)}"

    def before(self) -> Mapping[str, Any]:
        if self.cancel:
            return nested("recommendations", self.recommendation.key, value=self.recommendation.text)
        return self._hosts({move.vm: move.source for move in self.recommendation.moves})

    def after(self) -> Mapping[str, Any]:
        if self.cancel:
            return {}
        return self._hosts({move.vm: move.destination for move in self.recommendation.moves})

    def _hosts(self, hosts: Mapping[str, str | None]) -> Mapping[str, Any]:
        places = {
            self.around.path(vm): {"host": self.around.path(host)} for vm, host in hosts.items() if host is not None
        }
        return {"vms": places} if places else {}


def recommendation_argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "action": {"type": "str", "choices": list(ACTIONS), "default": LIST},
        "keys": {"type": "list", "elements": "str", "no_log": False},
        "reasons": {"type": "list", "elements": "str"},
        "vms": {"type": "list", "elements": "raw"},
        "all": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 600},
    }


def parse_choice(params: Mapping[str, Any]) -> Choice:
    given = [option for option in ("keys", "reasons", "vms") if params[option] is not None]
    if params["all"] and given:
        raise GantryError(f"all and {given[0]} exclude one another")
    if params["action"] != LIST and not params["all"] and not given:
        raise GantryError(f"action: {params['action']} needs keys, reasons, vms or all, to say which recommendations")
    return Choice(
        params["cluster"],
        params["datacenter"],
        params["action"],
        keys=None if params["keys"] is None else tuple(params["keys"]),
        reasons=None if params["reasons"] is None else tuple(params["reasons"]),
        vms=None if params["vms"] is None else parse_selectors(params["vms"], "vms"),
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
    )


def choose(
    choice: Choice, vms: frozenset[str] | None, recommendations: Sequence[Recommendation]
) -> tuple[Recommendation, ...]:
    """Those meant, in vCenter's order. To apply one is also to apply what it presupposes, which comes before it."""
    chosen = [
        one
        for one in recommendations
        if (choice.keys is None or one.key in choice.keys)
        and (choice.reasons is None or one.reason in choice.reasons)
        and (vms is None or any(move.vm in vms for move in one.moves))
    ]
    if choice.action != APPLY:
        return tuple(chosen)
    known = {one.key: one for one in recommendations}
    ordered: dict[str, Recommendation] = {}

    def take(one: Recommendation, above: frozenset[str]) -> None:
        for key in one.prerequisites:
            if key in known and key not in above:
                take(known[key], above | {key})
        ordered.setdefault(one.key, one)

    for one in chosen:
        take(one, frozenset({one.key}))
    return tuple(ordered.values())


def plan_recommendations(
    choice: Choice, chosen: Sequence[Recommendation], around: Surroundings
) -> Plan[ChangeRecommendation]:
    if choice.action == LIST:
        return Plan()
    if choice.action == CANCEL:
        fixed = [one.describe(around) for one in chosen if not one.is_placement]
        if fixed:
            raise GantryError(
                "vCenter cancels only recommendations of where VMs are powered on, and not "
                f"{'; '.join(fixed)}. Such a recommendation goes when its cause does; to have a VM left where it is, "
                "use drs_override. To cancel those that can be, give reasons: [powerOnVm]"
            )
    return Plan(tuple(ChangeRecommendation(around, one, choice.action == CANCEL) for one in chosen))


def recommendation_result(one: Recommendation, around: Surroundings) -> dict[str, Any]:
    return {
        "key": one.key,
        "reason": one.reason,
        "reason_text": one.text,
        "rating": one.rating,
        "prerequisites": list(one.prerequisites),
        "moves": [
            {
                "vm": around.path(move.vm),
                "moid": move.vm,
                "from": None if move.source is None else around.path(move.source),
                "to": around.path(move.destination),
            }
            for move in one.moves
        ],
        "other_actions": list(one.others),
    }


def _move(move: Move, around: Surroundings) -> str:
    vm, host = around.listed([move.vm]), around.listed([move.destination])
    if move.source is None:
        return f"power on {vm} at {host}"
    return f"move {vm} from {around.listed([move.source])} to {host}"

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planning roles and permissions: the order of changes, and what is refused before any change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._access.desire import desire_access
from ansible_collections.gantry.vsphere.plugins.module_utils._access.model import (
    MODIFY_PERMISSIONS,
    DesiredAccess,
    ObservedAccess,
    Permission,
    RoleState,
    holder,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._access.plan import plan_access
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry

ON, OFF = "VirtualMachine.Interact.PowerOn", "VirtualMachine.Interact.PowerOff"
ROOT = Entry("Datacenters", "", "Folder", "root", None)
DC = Entry("DC0", "/DC0", "Datacenter", "dc", None, parent="root")
BLUE = Entry("blue", "/DC0/vm/blue", "Folder", "blue", None, parent="vms")
ADMIN, OPS = r"VSPHERE.LOCAL\Administrator", r"VSPHERE.LOCAL\ops"
ANN, BOB = r"VSPHERE.LOCAL\ann", r"VSPHERE.LOCAL\bob"
KNOWN = ((ADMIN, False), (OPS, True), (ANN, False), (BOB, False))
ROLES = (
    RoleState(-1, "Admin", frozenset({ON, OFF, MODIFY_PERMISSIONS}), "Administrator", system=True),
    RoleState(-2, "ReadOnly", frozenset(), "Read-only", system=True),
    RoleState(-3, "View", frozenset(), "View", system=True),
    RoleState(7, "restarter", frozenset({ON, OFF})),
)


def observed(*permissions: tuple[Entry, Permission], objects: tuple[Entry, ...] = ()) -> ObservedAccess:
    """Return what vCenter has: the roles above, the administrator's permission, and some more."""
    whole = ((ROOT, Permission(ADMIN, False, "Admin", True)), *permissions)
    return ObservedAccess(
        roles={role.name: role for role in ROLES},
        permissions={(entry.moid, holder(one.principal, one.group)): one for entry, one in whole},
        objects=objects,
        paths={"root": "the root folder", "dc": "/DC0", "blue": "/DC0/vm/blue"},
        parents={"root": None, "dc": "root", "vms": "dc", "blue": "vms"},
        privileges=frozenset({ON, OFF, MODIFY_PERMISSIONS}),
        accounts=frozenset({holder(ADMIN, False), holder(OPS, True)}),
        spellings={
            holder(name, group): name for name, group in ((ADMIN, False), (OPS, True), (ANN, False), (BOB, False))
        },
    )


def role(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "preset": None, "privileges": None, "state": "present", **options}


def permission(principal: str, name: str | None, **options: Any) -> dict[str, Any]:
    return {
        "principal": principal,
        "role": name,
        "group": False,
        "object_type": "folder",
        "object": "blue",
        "cluster": None,
        "datacenter": None,
        "propagate": True,
        "state": "present" if name else "absent",
        **options,
    }


def desired(*roles: dict[str, Any], permissions: tuple[dict[str, Any], ...] = ()) -> DesiredAccess:
    return desire_access(
        {"roles": list(roles), "permissions": list(permissions), "datacenter": None, "assume_created": []}
    )


def actions(want: DesiredAccess, found: ObservedAccess) -> list[str]:
    return plan_access(want, found).actions()


def refused(want: DesiredAccess, found: ObservedAccess) -> str:
    with pytest.raises(GantryError) as caught:
        plan_access(want, found)
    return caught.value.message


def test_the_order_of_privileges_does_not_matter_and_those_of_every_role_are_ignored() -> None:
    assert plan_access(desired(role("restarter", privileges=["System.View", OFF, ON])), observed()) == Plan()
    changed = desired(role("restarter", privileges=[ON]))
    assert actions(changed, observed()) == [f"change role restarter: remove {OFF}"]


def test_a_role_is_created_before_it_is_given_and_removed_after_it_is_taken() -> None:
    ann = Permission(ANN, False, "restarter", True)
    want = desired(
        role("restarter", state="absent"),
        role("starter", privileges=[ON]),
        permissions=(permission("bob@vsphere.local", "starter"), permission("ANN@vsphere.local", None)),
    )
    found = observed((BLUE, ann), objects=(BLUE, BLUE))
    plan = plan_access(want, found)
    assert plan.actions() == [
        r"take role restarter on /DC0/vm/blue from VSPHERE.LOCAL\ann",
        "create role starter",
        r"give VSPHERE.LOCAL\bob role starter on /DC0/vm/blue and below",
        "remove role restarter",
    ]
    assert plan_access(want, plan.project(found)) == Plan()


def test_a_permission_is_replaced_by_another_role_or_reach() -> None:
    ann = Permission(ANN, False, "restarter", True)
    found = observed((BLUE, ann), objects=(BLUE,))
    assert actions(desired(permissions=(permission("ann@vsphere.local", "restarter"),)), found) == []
    (change,) = plan_access(
        desired(permissions=(permission("ann@vsphere.local", "Read-only", propagate=False),)), found
    ).changes
    assert change.describe() == r"give VSPHERE.LOCAL\ann role ReadOnly on /DC0/vm/blue only"
    assert change.before() != change.after()


def test_a_user_and_a_group_of_one_name_are_two_accounts() -> None:
    group = Permission(ANN, True, "restarter", True)
    found = observed((BLUE, group), objects=(BLUE,))
    assert actions(desired(permissions=(permission("ann@vsphere.local", None),)), found) == []


def test_unknown_privileges_roles_and_accounts_are_refused() -> None:
    message = refused(desired(role("x", privileges=["VirtualMachine.Interact.PowerOnn"])), observed())
    assert f"Did you mean '{ON}'" in message
    want = desired(permissions=(permission("ann@vsphere.local", "restart"),))
    assert "There is no role 'restart'. Did you mean 'restarter'?" in refused(want, observed(objects=(BLUE,)))
    unknown = replace(observed(objects=(BLUE,)), spellings={})
    want = desired(permissions=(permission("ann@vsphere.local", "restarter"),))
    assert "has no user 'ann@vsphere.local'" in refused(want, unknown)


def test_a_role_in_use_is_not_removed() -> None:
    ann = Permission(ANN, False, "restarter", True)
    message = refused(desired(role("restarter", state="absent")), observed((BLUE, ann)))
    assert r"in use: VSPHERE.LOCAL\ann on /DC0/vm/blue." in message


def test_a_role_that_is_to_be_absent_is_not_given() -> None:
    want = desired(role("restarter", state="absent"), permissions=(permission("ann@vsphere.local", "restarter"),))
    assert "is to be absent, and a permission is to have it" in refused(want, observed(objects=(BLUE,)))


def test_system_roles_are_given_but_not_changed() -> None:
    assert "is a system role" in refused(desired(role("Admin", privileges=[ON])), observed())
    assert "cannot be removed" in refused(desired(role("Read-only", state="absent")), observed())
    assert actions(desired(role("Administrator", privileges=[ON, OFF, MODIFY_PERMISSIONS])), observed()) == []
    want = desired(permissions=(permission("ann@vsphere.local", "View"),))
    assert "cannot be given to accounts" in refused(want, observed(objects=(BLUE,)))


@pytest.mark.parametrize(
    ("permissions", "want", "lost"),
    [
        pytest.param((), permission(ADMIN, "restarter"), "/DC0/vm/blue", id="the user gets another role below"),
        pytest.param((), permission(OPS, "restarter", group=True), "/DC0/vm/blue", id="a group of the user does"),
        pytest.param((), permission(OPS, "Admin", group=True), "", id="a group of the user keeps it"),
        pytest.param((), permission(ADMIN, "Administrator", propagate=False), "", id="the user keeps it"),
        pytest.param(
            ((BLUE, Permission(ADMIN, False, "Admin", True)),),
            permission(OPS, "restarter", group=True),
            "",
            id="the user has precedence over the group",
        ),
        pytest.param(
            ((DC, Permission(ADMIN, False, "restarter", True)), (BLUE, Permission(ADMIN, False, "Admin", True))),
            permission(ADMIN, None),
            "/DC0/vm/blue",
            id="what is inherited instead is not enough",
        ),
        pytest.param(
            ((BLUE, Permission(ADMIN, False, "Admin", True)),),
            permission(ADMIN, None),
            "",
            id="what is inherited instead is enough",
        ),
        pytest.param((), permission("ann@vsphere.local", "restarter"), "", id="somebody else"),
    ],
)
def test_a_user_does_not_lock_itself_out(
    permissions: tuple[tuple[Entry, Permission], ...], want: dict[str, Any], lost: str
) -> None:
    found = observed(*permissions, objects=(BLUE,))
    if lost:
        assert f"would lose the privilege {MODIFY_PERMISSIONS} on {lost}," in refused(
            desired(permissions=(want,)), found
        )
    else:
        plan_access(desired(permissions=(want,)), found)


def test_a_user_does_not_take_the_privilege_from_its_own_role() -> None:
    found = observed((BLUE, Permission(ADMIN, False, "delegate", True)))
    found = replace(found, roles={**found.roles, "delegate": RoleState(8, "delegate", frozenset({MODIFY_PERMISSIONS}))})
    assert "on /DC0/vm/blue" in refused(desired(role("delegate", privileges=[ON])), found)


def test_what_cannot_be_meant_is_refused() -> None:
    for options, message in (
        ({"roles": (role("a"),)}, "neither preset nor privileges"),
        ({"roles": (role("a", privileges=[]), role("a", privileges=[]))}, "listed 2 times"),
        ({"roles": ()}, "neither roles nor permissions"),
        ({"roles": (), "permissions": (permission("a", "b", object=None),)}, "object_type folder requires object"),
        ({"roles": (), "permissions": (permission("a", "b", object_type="root"),)}, "only one object"),
    ):
        roles, permissions = options["roles"], options.get("permissions", ())
        with pytest.raises(GantryError, match=message):
            desired(*roles, permissions=permissions)


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("ann@vsphere.local", "vsphere.local\\ann"),
        (r"VSPHERE.LOCAL\Ann", "vsphere.local\\ann"),
        ("root", "root"),
        (r"CORP\ann@example.com", "corp\\ann@example.com"),
    ],
)
def test_one_account_has_several_spellings(principal: str, expected: str) -> None:
    assert holder(principal, False) == (expected, False)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that the results of govc's tests are read, and held against the list of expected failures in both directions."""

from __future__ import annotations

from tools.govc_tests import Outcome, judge, outcomes, read_expected

TAP = """1..5
ok 1 first
not ok 2 object name with slash
# (in test file vm.bats, line 12)
#   `assert_success' failed
some output
ok 3 vm.info # skip not in the lab: -esx
not ok 4 cluster.mv # timeout after 15s
ok 5 last in 12ms
"""


def test_results_are_read_from_tap() -> None:
    assert list(outcomes(TAP)) == [
        Outcome("first", "passed"),
        Outcome("object name with slash", "failed", "(in test file vm.bats, line 12)\n  `assert_success' failed"),
        Outcome("vm.info", "skipped"),
        Outcome("cluster.mv", "failed"),
        Outcome("last in 12ms", "passed"),
    ]


def test_a_listed_test_must_fail_and_others_must_not() -> None:
    found = list(outcomes(TAP))
    good = judge("vm", found, {"object name with slash": "reason", "cluster.mv": "reason"})
    assert (good.passed, good.failed, good.skipped, good.failures) == (4, 0, 1, ())
    bad = judge("vm", found, {"first": "reason", "vm.info": "reason", "gone": "reason", "cluster.mv": "reason"})
    assert (bad.passed, bad.failed, bad.skipped) == (2, 4, 0)
    assert [failure.split(": ")[1] for failure in bad.failures] == [
        "first",
        "object name with slash",
        "vm.info",
        "gone",
    ]
    assert "does not fail (skipped)" in bad.failures[2]


def test_each_expected_failure_has_a_reason_and_some_files_are_always_run() -> None:
    expected = read_expected()
    assert any(entry.always for entry in expected.values())
    for name, entry in expected.items():
        for test, reason in entry.fails.items():
            assert reason.endswith("."), (name, test)
